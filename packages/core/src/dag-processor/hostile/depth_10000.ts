import { define } from './define.ts';
export const deep = define('deep', Array.from({ length: 10_000 }, (_, index) => ({ taskId: `t${index}`, upstream: index === 0 ? [] : [`t${index - 1}`] })));
