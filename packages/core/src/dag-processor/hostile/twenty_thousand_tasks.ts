import { define } from './define.ts';
export const large = define('large', Array.from({ length: 20_000 }, (_, index) => ({ taskId: `t${index}` })));
