import { define } from './define.ts';
export const one = define('twice');
export const two = define('twice');
