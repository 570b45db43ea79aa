import type { JsonObject, JsonValue, SerializedDag } from '@tradewind/protocol';
import { resolveParams } from './params.ts';

/** What of a dag decides about a request. */
type RequestedDag = Pick<SerializedDag, 'params' | 'allowedRunTypes'>;

/** What an event makes of a dag that is scheduled on its asset: a run with this conf, or none, with the reason. */
export interface RunRequestDecision {
  /** JSON object. */
  readonly conf: string;
  readonly state: 'pending' | 'refused';
  readonly reason: string | null;
}

/**
 * Maps an event's data to the conf of a run: the top-level fields that the dag declares as params, checked against their schemas. The whole event stays readable in the
 * task; whatever else it carries may change freely.
 */
export function decideRunRequest({ params, allowedRunTypes }: RequestedDag, data: JsonValue | undefined): RunRequestDecision {
  const conf = isObject(data) ? Object.fromEntries(Object.entries(data).filter(([field]) => Object.hasOwn(params, field))) : {};
  if (allowedRunTypes?.includes('asset_triggered') === false) {
    const reason = `the dag takes no runs of events: its allowedRunTypes are ${allowedRunTypes.join(', ')}`;
    return { conf: JSON.stringify(conf), state: 'refused', reason };
  }
  const resolved = resolveParams(params, conf);
  if (resolved.ok) return { conf: JSON.stringify(conf), state: 'pending', reason: null };
  const problems = resolved.problems.map(({ path, message }) => `${path}: ${message}`).join('; ');
  return { conf: JSON.stringify(conf), state: 'refused', reason: `the event's data does not fit the dag's params: ${problems}` };
}

/** What several events carry together, oldest first: of a field that more than one has, the newest value counts. */
export function mergeEventData(extras: readonly JsonValue[]): JsonObject {
  return Object.fromEntries(extras.flatMap((extra) => (isObject(extra) ? Object.entries(extra) : [])));
}

const RUN_ID_DIGITS = 32;

/** The id of the runs that an event starts, one in each dag: a function of the event, so that it starts none twice (adr/0008). */
export function eventRunId(eventDigest: string): string {
  return `asset_triggered__${eventDigest.slice(0, RUN_ID_DIGITS)}`;
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
