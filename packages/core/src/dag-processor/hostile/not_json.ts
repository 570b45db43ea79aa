import { define } from './define.ts';
export const big = define('big', [], { doc: 10n });
