import { define } from './define.ts';
export const circle = define('circle', [{ taskId: 'a', upstream: ['b'] }, { taskId: 'b', upstream: ['a'] }]);
