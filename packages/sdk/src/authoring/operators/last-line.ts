import { StringDecoder } from 'node:string_decoder';
import { MAX_RESULT_BYTES } from '@tradewind/protocol';

/** Remembers the last line of a text that arrives in pieces. */
export interface LastLine {
  push(chunk: Buffer): void;
  /** Whether the text so far ends inside a line. */
  isOpen(): boolean;
  /** The last line without white space at its end, invalid UTF-8 replaced. */
  read(): string;
}

/** One character more than a value can have: enough to see that a line is too long, and no more. */
const MAX_LENGTH = MAX_RESULT_BYTES + 1;

/** A memory for the last line, of bounded size whatever is pushed. */
export function createLastLine(): LastLine {
  const decoder = new StringDecoder('utf8');
  let complete = '';
  let open = '';
  return {
    push(chunk) {
      const lines = decoder.write(chunk).split('\n');
      for (const [index, line] of lines.entries()) {
        if (index > 0) {
          complete = open;
          open = '';
        }
        if (open.length < MAX_LENGTH) open = (open + line).slice(0, MAX_LENGTH);
      }
    },
    isOpen: () => open !== '',
    read: () => (open === '' ? complete : open).trimEnd(),
  };
}
