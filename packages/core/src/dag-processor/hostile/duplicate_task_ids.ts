import { define } from './define.ts';
export const twins = define('twins', [{ taskId: 'a' }, { taskId: 'a' }]);
