import path from 'node:path';
import type { ParseFailure } from '@tradewind/protocol';
import type { EnvironmentConfig } from '../../platform/config.ts';

/** An import error in words. */
export interface ImportErrorText {
  /** One line: the place, as an editor opens it, and the cause. */
  readonly summary: string;
  /** The offending lines with a caret; undefined where the place is not known. */
  readonly excerpt: string | undefined;
}

/** Says what is wrong with a dag file, its place seen from the environment's folder: `dags/orders.ts:12:7`. */
export function describeImportError(config: EnvironmentConfig, { file, line, column, message, excerpt }: ParseFailure): ImportErrorText {
  const shown = file === undefined ? undefined : path.relative(config.folder, path.join(config.dagsFolder, file));
  const place = [shown, line, column].filter((part) => part !== undefined).join(':');
  return { summary: place === '' ? message : `${place}: ${message}`, excerpt };
}
