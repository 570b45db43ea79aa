import { other } from './half_library_2.ts';
export const half = other;
