import { writeFile } from 'node:fs/promises';
import type { JsonObject } from '@tradewind/protocol';
import { writeEnvLines } from '../../model/variables/env-lines.ts';
import { messageOf, TradewindError } from '../../platform/errors.ts';
import type { SecretFormat } from './formats.ts';

/** Stands for standard output in place of a file. */
const STANDARD_OUTPUT = '-';

/** What is written where: `lines` is what an env file takes of the entries. */
export interface SecretExport {
  readonly file: string;
  readonly format: SecretFormat;
  readonly entries: JsonObject;
  readonly lines: Readonly<Record<string, string>>;
}

/**
 * Writes entries to a file that its owner alone can read, or to standard output.
 * @throws TradewindError `usage` where the format cannot hold them, or the file cannot be written
 */
export async function writeEntries({ file, ...what }: SecretExport): Promise<void> {
  const text = await textOf(what);
  if (file === STANDARD_OUTPUT) {
    process.stdout.write(text);
    return;
  }
  try {
    await writeFile(file, text, { mode: 0o600 });
  } catch (error) {
    throw new TradewindError('usage', `cannot write ${file}: ${messageOf(error)}`, { cause: error });
  }
}

async function textOf({ format, entries, lines }: Omit<SecretExport, 'file'>): Promise<string> {
  switch (format) {
    case 'json':
      return `${JSON.stringify(entries, null, 2)}\n`;
    case 'yaml':
      return (await import('yaml')).stringify(entries);
    case 'env': {
      const written = writeEnvLines(lines);
      if (written.ok) return written.text;
      throw new TradewindError('usage', `"${written.name}" has several lines, which an env file cannot hold: export to .json or .yaml`);
    }
  }
}
