import { SECRET_FORMATS, type SecretFormat } from './formats.ts';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { JsonObject } from '@tradewind/protocol';
import { readEnvLines } from '../../model/variables/env-lines.ts';
import { messageOf, TradewindError } from '../../platform/errors.ts';

/**
 * The format that a file's name says; `otherwise` where it says none.
 * @throws TradewindError `usage` where neither does
 */
export function formatOf(file: string, otherwise?: SecretFormat): SecretFormat {
  const end = path.extname(file).slice(1).toLowerCase();
  const format = SECRET_FORMATS.find((known) => known === (end === 'yml' ? 'yaml' : end)) ?? otherwise;
  if (format !== undefined) return format;
  throw new TradewindError('usage', `the format of ${file} is not known: its name must end in .json, .yaml or .env`);
}

/**
 * Reads the entries of a file, by their names.
 * @param prefix of the names of an env file, such as `AIRFLOW_VAR_`, which is taken off
 * @throws TradewindError `usage` for a file that cannot be read; it never quotes the file, which holds secrets
 */
export async function readEntries(file: string, prefix: string): Promise<JsonObject> {
  const format = formatOf(file);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new TradewindError('usage', `cannot read ${file}: ${messageOf(error)}`, { cause: error });
  }
  if (format === 'env') {
    const read = readEnvLines(text, prefix);
    if (read.ok) return read.entries;
    throw new TradewindError('usage', `${file}, line ${read.line}: it is not in the form NAME=value`);
  }
  const entries = await parse(format, text, file);
  if (typeof entries === 'object' && entries !== null && !Array.isArray(entries)) return entries as JsonObject;
  throw new TradewindError('usage', `${file} holds no object of names and values`);
}

async function parse(format: 'json' | 'yaml', text: string, file: string): Promise<unknown> {
  try {
    if (format === 'json') return JSON.parse(text) as unknown;
    const { parse: parseYaml } = await import('yaml');
    return parseYaml(text) as unknown;
  } catch {
    throw new TradewindError('usage', `${file} is no ${format.toUpperCase()}`);
  }
}
