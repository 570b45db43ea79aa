import { define } from './define.ts';
export const odd = define('odd', [], { code: 'rm -rf /' });
