import { TradewindError, messageOf } from '../platform/errors.ts';
import type { Random } from '../platform/random.ts';
import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import type { Database } from '../store/database.ts';
import { createBindingReader, type AssetBinding } from '../store/reads/subscription-bindings.ts';
import { receiveMessages, type Receipt } from '../store/transitions/receive-messages.ts';
import { decideReceipt, quarantine, type ReceiptQuestion } from './decide-receipt.ts';
import { normaliseMessage, type NormalisedMessage } from './normalise-message.ts';
import type { ReceivedMessage } from './source.ts';

/** What recording needs. */
export interface RecordDeliveryParts {
  readonly subscription: string;
  readonly database: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /**
   * Runs something that needs the database until the database answers; everything else that goes wrong passes through. The messages stay in
   * hand meanwhile, so an outage does not raise their receive counts.
   */
  readonly untilAnswered: <Result>(operation: () => Promise<Result>) => Promise<Result>;
}

/** What became of a message of a delivery. */
export interface RecordedMessage {
  readonly messageId: string;
  readonly outcome: Receipt['status'] | 'duplicate';
}

/** A delivery that is durable: it may be acknowledged. */
export interface RecordedDelivery {
  readonly messages: readonly RecordedMessage[];
  /** How many runs were asked for, and how many places in queues were taken: what the scheduler has to look at. */
  readonly runRequests: number;
}

type Decide = (question: ReceiptQuestion) => Receipt;

/**
 * Returns a function that makes a delivery durable: every message of it ends in the inbox, with what follows from it, in one transaction. A message that cannot be
 * stored the usual way does not hold up the others: the messages are then recorded one by one, and the one at fault goes to quarantine.
 */
export function createDeliveryRecorder(parts: RecordDeliveryParts): (messages: readonly ReceivedMessage[]) => Promise<RecordedDelivery> {
  const { database, log, untilAnswered } = parts;
  const readBindings = createBindingReader(database, parts.subscription);

  const store = async (
    messages: readonly ReceivedMessage[],
    bindings: readonly AssetBinding[],
    decide: Decide,
  ): Promise<RecordedDelivery> => {
    const receipts = mergeCopies(messages.map((message) => decide(questionAbout(message, bindings, parts))));
    // The same receipts each time: where the outcome of a commit is unknown, the second one changes nothing.
    const [inbox, , runRequests, , queued] = await untilAnswered(() => database.batch(receiveMessages(receipts)));
    const rowOf = new Map(inbox.map(({ id, dedupeKey }) => [dedupeKey, id]));
    return {
      messages: receipts.map(({ id, dedupeKey, messageId, status }) => ({
        messageId,
        outcome: rowOf.get(dedupeKey) === id ? status : 'duplicate',
      })),
      runRequests: runRequests.filter(isPending).length + queued.filter(isPending).length,
    };
  };

  const storeAlone = async (message: ReceivedMessage, bindings: readonly AssetBinding[]): Promise<RecordedDelivery> => {
    try {
      return await store([message], bindings, decideReceipt);
    } catch (error) {
      if (isDatabaseTrouble(error)) throw error;
      log.error('a message could not be stored; it goes to quarantine', { messageId: message.messageId, error });
      return store([message], bindings, (question) => quarantine(question, `the message could not be stored: ${messageOf(error)}`));
    }
  };

  return async (messages) => {
    const bindings = await untilAnswered(readBindings);
    try {
      return await store(messages, bindings, decideReceipt);
    } catch (error) {
      if (isDatabaseTrouble(error)) throw error;
    }
    // One message is at fault, or an asset went away between the read and the commit.
    const bindingsNow = await untilAnswered(readBindings);
    const recorded: RecordedDelivery[] = [];
    for (const message of messages) recorded.push(await storeAlone(message, bindingsNow));
    return {
      messages: recorded.flatMap((delivery) => delivery.messages),
      runRequests: recorded.reduce((sum, delivery) => sum + delivery.runRequests, 0),
    };
  };
}

function isPending({ state }: { readonly state: string }): boolean {
  return state === 'pending';
}

/** Whether the database, and not what it was asked, is at fault: trying again is all that helps. */
export function isDatabaseTrouble(error: unknown): boolean {
  return error instanceof TradewindError && error.code.startsWith('database_');
}

function questionAbout(message: ReceivedMessage, bindings: readonly AssetBinding[], parts: RecordDeliveryParts): ReceiptQuestion {
  const { subscription, clock, random } = parts;
  const normalised: NormalisedMessage = normaliseMessage(message, subscription);
  return { subscription, message, normalised, bindings, now: clock.now(), newId: () => random.uuid() };
}

/** Messages with the same key in one delivery become one receipt that counts the copies: a statement may meet a row only once. */
function mergeCopies(receipts: readonly Receipt[]): readonly Receipt[] {
  return [...Map.groupBy(receipts, ({ dedupeKey }) => dedupeKey).values()].flatMap(([first, ...copies]) =>
    first === undefined ? [] : [{ ...first, duplicates: copies.length }],
  );
}
