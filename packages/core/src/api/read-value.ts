import { decodeJson, type JsonValue } from '@tradewind/protocol';
import { TradewindError } from '../platform/errors.ts';
import type { ValueReference } from '../platform/value-store.ts';
import type { ApiParts } from './api-parts.ts';

/** An answer is built in memory, in the process that may also schedule. */
const MOST_SHOWN_BYTES = 8 * 1_024 * 1_024;

/** A value as a row has it. */
interface FoundValue {
  readonly value: JsonValue;
  readonly offloaded: ValueReference | undefined;
}

/**
 * The value, wherever it lies.
 * @throws TradewindError `bad_request` for one that is too large to be shown, `value_unreadable` for one that is missing or damaged
 */
export async function readValue({ largeValues }: Pick<ApiParts, 'largeValues'>, { value, offloaded }: FoundValue): Promise<JsonValue> {
  if (offloaded === undefined) return value;
  if (offloaded.bytes > MOST_SHOWN_BYTES) {
    throw new TradewindError(
      'bad_request',
      `The value has ${offloaded.bytes} bytes, and values of at most ${MOST_SHOWN_BYTES} are shown: read it in a task that has it as an input.`,
    );
  }
  if (largeValues !== undefined) return decodeJson(await largeValues.fetch(offloaded));
  throw new TradewindError(
    'value_unreadable',
    `the value lies outside of the database as ${offloaded.key}, where this process cannot read it`,
  );
}
