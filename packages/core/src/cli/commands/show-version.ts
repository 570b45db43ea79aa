import { VERSION } from '../version.ts';

/** `tradewind version` */
// eslint-disable-next-line typescript/require-await -- every command is a promise
export async function showVersion(): Promise<undefined> {
  process.stdout.write(`${VERSION}\n`);
}
