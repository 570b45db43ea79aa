import { createHash } from 'node:crypto';
import type { CloudEvent } from '@tradewind/protocol';
import { decideRunRequest, eventRunId } from '../model/run-request.ts';
import type { AssetBinding, ScheduledDag } from '../store/reads/subscription-bindings.ts';
import { storableText } from '../store/storable-text.ts';
import type { Receipt, ReceivedAssetEvent, ReceivedRunRequest } from '../store/transitions/receive-messages.ts';
import type { NormalisedMessage } from './normalise-message.ts';
import type { ReceivedMessage } from './source.ts';

/** A message, what it means, and what hangs on the subscription that it came on. */
export interface ReceiptQuestion {
  readonly subscription: string;
  readonly message: ReceivedMessage;
  readonly normalised: NormalisedMessage;
  readonly bindings: readonly AssetBinding[];
  readonly now: number;
  readonly newId: () => string;
}

/** A message is delivered and replayed; only a replay counts up, so that it makes runs of its own. */
const GENERATION = 0;

/**
 * Decides what becomes of one message: the events of assets that it is, one run for each dag that is scheduled on them, or the reason why nothing
 * runs. Pure: the same question has the same answer, ids apart. A message matches an asset whose watcher asks for its type or for every type.
 */
export function decideReceipt(question: ReceiptQuestion): Receipt {
  const { normalised } = question;
  switch (normalised.kind) {
    case 'malformed':
      return quarantine(question, normalised.reason);
    case 'ignored':
      return { ...inboxRow(question, normalised.event), status: 'unmatched', reason: storableText(normalised.reason) };
    case 'event':
      return decideEvent(question, normalised.event);
  }
}

/** The receipt of a message that nothing can be made of: kept as it came, with the reason. */
export function quarantine(question: ReceiptQuestion, reason: string): Receipt {
  return { ...inboxRow(question, undefined), status: 'quarantined', reason: storableText(reason) };
}

function decideEvent(question: ReceiptQuestion, event: CloudEvent): Receipt {
  const matching = question.bindings.filter(({ eventType }) => eventType === null || eventType === event.type);
  const assetEvents = matching.map((binding) => assetEventOf(question, event, binding));
  const runRequests = decideRunRequests(question, event, matching);
  const isQueued = matching.some(({ dags }) => dags.some(({ isCollecting }) => isCollecting === true));
  return { ...inboxRow(question, event), ...decideStatus(event, { matching, runRequests, isQueued }), assetEvents, runRequests };
}

function assetEventOf(question: ReceiptQuestion, event: CloudEvent, { assetId, assetName }: AssetBinding): ReceivedAssetEvent {
  return {
    eventKey: eventKeyOf(question, assetName),
    assetId,
    extra: JSON.stringify(event.data ?? null),
    occurredAt: Math.min(Date.parse(event.time ?? '') || question.now, question.now),
  };
}

/**
 * One request for each dag, also where several of its assets match: the message happened once. Also for dags that collect events, in whose queue the event is put
 * instead: whether a dag does is decided where the request is written.
 */
function decideRunRequests(question: ReceiptQuestion, event: CloudEvent, matching: readonly AssetBinding[]): readonly ReceivedRunRequest[] {
  const wanted = new Map<string, ReceivedRunRequest>();
  for (const { assetName, dags } of matching) {
    const eventKey = eventKeyOf(question, assetName);
    for (const dag of dags) {
      if (!wanted.has(dag.dagId)) wanted.set(dag.dagId, requestRun(question, event, { dag, eventKey }));
    }
  }
  return [...wanted.values()];
}

function requestRun(
  question: ReceiptQuestion,
  event: CloudEvent,
  { dag, eventKey }: { readonly dag: ScheduledDag; readonly eventKey: string },
): ReceivedRunRequest {
  const { subscription, normalised, newId } = question;
  const { conf, state, reason } = decideRunRequest(dag, event.data);
  return {
    id: newId(),
    dagId: dag.dagId,
    runId: eventRunId(sha256Hex(`${subscription}\n${normalised.dedupeKey}\n${GENERATION}`)),
    eventKey,
    conf,
    state,
    reason: reason === null ? null : storableText(reason),
  };
}

function decideStatus(
  event: CloudEvent,
  {
    matching,
    runRequests,
    isQueued,
  }: { readonly matching: readonly AssetBinding[]; readonly runRequests: readonly ReceivedRunRequest[]; readonly isQueued: boolean },
): Pick<Receipt, 'status' | 'reason'> {
  if (matching.length === 0) {
    return { status: 'unmatched', reason: storableText(`no asset watches this subscription for events of type ${event.type}`) };
  }
  if (runRequests.length === 0) {
    const names = matching.map(({ assetName }) => assetName);
    return { status: 'unmatched', reason: storableText(`no dag is scheduled on ${names.join(', ')}`) };
  }
  if (isQueued || runRequests.some(({ state }) => state === 'pending')) return { status: 'accepted', reason: null };
  return { status: 'quarantined', reason: runRequests.map(({ dagId, reason }) => `${dagId}: ${reason}`).join('\n') };
}

function inboxRow({ subscription, message, normalised, now, newId }: ReceiptQuestion, event: CloudEvent | undefined) {
  const attributes = {
    ...message.attributes,
    // A sender's attribute cannot have a colon in its name, so these are the broker's own.
    ...Object.fromEntries(Object.entries(message.systemAttributes).map(([name, value]) => [`sqs:${name}`, value])),
  };
  return {
    id: newId(),
    subscription,
    dedupeKey: normalised.dedupeKey,
    messageId: storableText(message.messageId),
    body: storableText(message.body),
    attributes: JSON.stringify(attributes),
    eventId: event === undefined ? null : storableText(event.id),
    eventSource: event === undefined ? null : storableText(event.source),
    eventType: event === undefined ? null : storableText(event.type),
    receivedAt: now,
    duplicates: 0,
    assetEvents: [],
    runRequests: [],
  };
}

/** The same message is the same event of the same asset, whoever receives it and however often. */
function eventKeyOf({ subscription, normalised }: ReceiptQuestion, assetName: string): string {
  return sha256Hex(JSON.stringify(['inbox', subscription, normalised.dedupeKey, assetName]));
}

function sha256Hex(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
