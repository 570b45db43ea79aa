import { define } from './define.ts';
export const climber = define('../../etc/passwd');
