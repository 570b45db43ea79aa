import { text } from 'node:stream/consumers';

/** Stands for standard input in the place of a value: what is an argument can be read by everybody on the machine. */
const STANDARD_INPUT = '-';

/** The value itself, or what standard input has, without the line break at its end. */
export async function readValue(given: string): Promise<string> {
  return given === STANDARD_INPUT ? (await text(process.stdin)).replace(/\r?\n$/, '') : given;
}
