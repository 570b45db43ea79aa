import { inspect } from 'node:util';
import { MAX_FAILURE_DETAIL_LENGTH } from '@tradewind/protocol';

/** Causes below this depth say nothing that the ones above have not said. */
const MAX_CAUSES = 10;

/** What was thrown, in words that fit a log, the database and the page. */
export interface ThrownDescription {
  readonly message: string;
  /** The stack with the stacks of its causes; absent for values that have none. */
  readonly detail?: string;
}

/**
 * Describes anything that a function can throw. Never throws itself, whatever getters or proxies the value has. Both texts are
 * at most `MAX_FAILURE_DETAIL_LENGTH` characters, without NUL (PostgreSQL keeps none) and without lone surrogates.
 */
export function describeThrown(thrown: unknown): ThrownDescription {
  try {
    if (!Error.isError(thrown)) return { message: cleanText(`what was thrown is not an Error: ${inspect(thrown, { depth: 2 })}`) };
    return { message: cleanText(messageOf(thrown)), detail: cleanText(stackOf(thrown)) };
  } catch {
    return { message: 'what was thrown cannot be read: reading it throws again' };
  }
}

function messageOf(error: Error): string {
  // Both may be anything at run time.
  const [message, name] = [error.message as unknown, error.name as unknown].map(String) as [string, string];
  if (message === '') return name;
  return BARE_NAMES.has(name) ? message : `${name}: ${message}`;
}

/** Names that say nothing which the message, or the way the try ended, does not say. */
const BARE_NAMES = new Set(['Error', 'SkipTask', 'FailTask', 'BadValueError', 'SdkError']);

function stackOf(error: Error): string {
  const parts: string[] = [];
  const seen = new Set<unknown>();
  const pending: { readonly label: string; readonly thrown: unknown }[] = [{ label: '', thrown: error }];
  for (let next = pending.shift(); next !== undefined && seen.size < MAX_CAUSES; next = pending.shift()) {
    const { label, thrown } = next;
    if (seen.has(thrown)) continue;
    seen.add(thrown);
    parts.push(`${label}${Error.isError(thrown) ? (thrown.stack ?? messageOf(thrown)) : inspect(thrown, { depth: 1 })}`);
    if (!Error.isError(thrown)) continue;
    if (thrown.cause !== undefined) pending.push({ label: 'caused by: ', thrown: thrown.cause });
    if (thrown instanceof AggregateError) for (const one of thrown.errors) pending.push({ label: 'one of them: ', thrown: one });
  }
  return parts.join('\n');
}

function cleanText(text: string): string {
  const clean = text.replaceAll('\0', '\uFFFD');
  const fitting = clean.length <= MAX_FAILURE_DETAIL_LENGTH ? clean : `${clean.slice(0, MAX_FAILURE_DETAIL_LENGTH - 1)}…`;
  return fitting.toWellFormed();
}
