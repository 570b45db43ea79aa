import { createInterface } from 'node:readline/promises';
import { TradewindError } from '../platform/errors.ts';

/**
 * Asks whoever sits at the terminal.
 * @param question without the question mark's answer: `clear these 3 task instances?`
 * @throws TradewindError `usage` where nobody is there to be asked, or who is says no
 */
export async function confirm(question: string): Promise<void> {
  if (!process.stdin.isTTY) throw new TradewindError('usage', `${question} Add --yes to do it without being asked`);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    if ((await terminal.question(`${question} [y/N] `)).trim().toLowerCase() === 'y') return;
  } finally {
    terminal.close();
  }
  throw new TradewindError('usage', 'nothing was changed');
}
