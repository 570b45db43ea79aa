import { define } from './define.ts';
const ids = Array.from({ length: 500 }, (_, index) => `t${index}`);
export const dense = define('dense', ids.map((taskId, index) => ({ taskId, upstream: ids.slice(0, index) })));
