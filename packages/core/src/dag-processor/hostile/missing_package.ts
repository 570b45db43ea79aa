import { ghost } from 'a-package-that-nobody-installed';
export const value = ghost;
