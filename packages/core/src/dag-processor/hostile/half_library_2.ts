import { half } from './half_library.ts';
export const other = half;
