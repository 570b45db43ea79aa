import type { EventSource, FailedAcknowledgement, ReceivedMessage } from '../packages/core/src/federation/source.ts';
import type { SeededRandom } from './seeded-random.ts';
import type { SimulatedProcess } from './simulated-process.ts';
import type { VirtualTime } from './virtual-time.ts';

interface QueuedMessage {
  readonly messageId: string;
  readonly body: string;
  visibleAt: number;
  receives: number;
}

/** A queue as SQS describes its standard ones: at least once, in no promised order, back after the visibility timeout, now and then twice all the same. */
export interface SimulatedQueue {
  send(messageId: string, body: string): void;
  /** The queue as one process sees it. */
  connect(process: SimulatedProcess): EventSource;
  readonly size: number;
}

/** How the queue misbehaves; probabilities. */
export interface QueueFaults {
  /** A message that is received stays visible too. */
  readonly doubled: number;
  /** An acknowledgement is not heeded. */
  readonly unheeded: number;
}

const VISIBILITY_TIMEOUT_MS = 3_000;
const MOST_MESSAGES = 10;

export function createSimulatedQueue(time: VirtualTime, random: SeededRandom, faults: () => QueueFaults): SimulatedQueue {
  const messages = new Map<string, QueuedMessage>();

  const take = (): ReceivedMessage[] => {
    const visible = [...messages.values()].filter(({ visibleAt }) => visibleAt <= time.now);
    const taken: ReceivedMessage[] = [];
    while (visible.length > 0 && taken.length < MOST_MESSAGES) {
      const [message] = visible.splice(random.between(0, Math.min(2, visible.length - 1)), 1);
      if (message === undefined) break;
      message.receives += 1;
      if (!random.happens(faults().doubled)) message.visibleAt = time.now + VISIBILITY_TIMEOUT_MS;
      const { messageId, body, receives } = message;
      taken.push({ messageId, body, receipt: `${messageId}#${receives}`, attributes: {}, systemAttributes: {} });
    }
    return taken;
  };

  const forget = (received: readonly ReceivedMessage[]): FailedAcknowledgement[] =>
    received.flatMap(({ messageId }) => {
      if (random.happens(faults().unheeded)) return [{ messageId, reason: 'the broker was busy' }];
      messages.delete(messageId);
      return [];
    });

  return {
    get size() {
      return messages.size;
    },
    send(messageId, body) {
      messages.set(messageId, { messageId, body, visibleAt: time.now, receives: 0 });
    },
    connect: (process) => ({
      receive: () => process.wait('receive', () => random.between(1, messages.size > 0 ? 20 : 400), take),
      acknowledge: (received) =>
        process.wait(
          'acknowledge',
          () => random.between(0, 10),
          () => forget(received),
        ),
      close() {},
    }),
  };
}
