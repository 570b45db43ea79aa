import { define } from './define.ts';
export const wordy = define('wordy', [], { doc: 'x'.repeat(17 * 1_048_576) });
