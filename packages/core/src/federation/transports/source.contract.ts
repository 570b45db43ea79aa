import { describe, expect, onTestFinished, test } from 'vitest';
import { TradewindError } from '../../platform/errors.ts';
import { MAX_MESSAGES_PER_RECEIVE, type EventSource, type ReceivedMessage } from '../source.ts';

/** A broker with one empty queue, as the contract needs it. */
export interface SourceUnderTest {
  /** Another connection to the queue. */
  readonly openSource: () => EventSource;
  readonly openMissing: () => EventSource;
  readonly send: (body: string, attributes?: Readonly<Record<string, string>>) => Promise<void>;
  /** Makes hidden messages visible again, or begins to: whoever receives afterwards polls until they come. */
  readonly letVisibilityTimeoutPass: () => Promise<void>;
  /** Lets whoever waits for messages go on; needed where the clock stands still. */
  readonly letWaitPass: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** What every source must do, whatever the broker. */
export function describeEventSource(name: string, open: () => Promise<SourceUnderTest>): void {
  const openForTest = async (): Promise<SourceUnderTest & { readonly source: EventSource }> => {
    const broker = await open();
    const source = broker.openSource();
    onTestFinished(async () => {
      source.close();
      await broker.close();
    });
    return { ...broker, source };
  };

  describe(`${name} is an event source`, () => {
    test('that returns at once where there are no messages and nobody wants to wait', async () => {
      const { source } = await openForTest();
      expect(await source.receive(idle(), 0)).toEqual([]);
    });

    test('that delivers body, id, every attribute of the sender and those of the broker', async () => {
      const { source, send } = await openForTest();
      const body = '{"text":"ÄЖ漢 \\"quoted\\"\\n"}';
      await send(body, { ce_id: 'e-1', traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' });
      const [message] = await source.receive(idle(), 0);
      expect(message?.body).toBe(body);
      expect(message?.messageId).toMatch(/./);
      expect(message?.attributes).toEqual({ ce_id: 'e-1', traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' });
      expect(message?.systemAttributes).toMatchObject({
        ApproximateReceiveCount: '1',
        SentTimestamp: expect.stringMatching(/^\d{13}$/) as string,
      });
    });

    test(`that delivers at most ${MAX_MESSAGES_PER_RECEIVE} messages at once and all of them in the end`, async () => {
      const { source, send } = await openForTest();
      for (let count = 0; count < 25; count += 1) await send(`message ${count}`);
      const bodies = new Set<string>();
      while (bodies.size < 25) {
        const messages = await source.receive(idle(), 0);
        expect(messages.length).toBeLessThanOrEqual(MAX_MESSAGES_PER_RECEIVE);
        for (const { body } of messages) bodies.add(body);
      }
    });

    test('that hides what it delivered from others until the visibility timeout has passed, and then delivers it again', async () => {
      const { source, send, openSource, letVisibilityTimeoutPass } = await openForTest();
      await send('x');
      const [first] = await source.receive(idle(), 0);
      const other = openSource();
      expect(await other.receive(idle(), 0)).toEqual([]);
      await letVisibilityTimeoutPass();
      const again = await receiveOne(other);
      other.close();
      expect(again.messageId).toBe(first?.messageId);
      expect(again.receipt).not.toBe(first?.receipt);
      expect(again.systemAttributes['ApproximateReceiveCount']).toBe('2');
    });

    test('that forgets what was acknowledged and only that', async () => {
      const { source, send, letVisibilityTimeoutPass } = await openForTest();
      await send('a');
      await send('b');
      const messages = await source.receive(idle(), 0);
      expect(messages).toHaveLength(2);
      expect(await source.acknowledge(messages.filter(({ body }) => body === 'a'))).toEqual([]);
      await letVisibilityTimeoutPass();
      expect((await receiveOne(source)).body).toBe('b');
      expect(await source.receive(idle(), 0)).toEqual([]);
    });

    test('that takes an acknowledgement twice, and one of nothing', async () => {
      const { source, send } = await openForTest();
      await send('x');
      const messages = await source.receive(idle(), 0);
      await source.acknowledge(messages);
      expect(await source.acknowledge(messages)).toEqual([]);
      expect(await source.acknowledge([])).toEqual([]);
    });

    test('whose wait ends when a message arrives', async () => {
      const { source, send } = await openForTest();
      const waiting = source.receive(idle(), 20);
      await send('x');
      expect((await waiting).map(({ body }) => body)).toEqual(['x']);
    });

    test('whose wait ends without messages when its time is over', async () => {
      const { source, letWaitPass } = await openForTest();
      const waiting = source.receive(idle(), 1);
      await letWaitPass();
      expect(await waiting).toEqual([]);
    });

    test('whose wait ends at once, without an error, when it is aborted', async () => {
      const { source } = await openForTest();
      const stopping = new AbortController();
      const waiting = source.receive(stopping.signal, 20);
      stopping.abort();
      expect(await waiting).toEqual([]);
      expect(await source.receive(stopping.signal, 20)).toEqual([]);
    });

    test('that says so where the queue does not exist, and names it', async () => {
      const { openMissing } = await openForTest();
      const missing = openMissing();
      const failure = await missing.receive(idle(), 0).then(
        () => undefined,
        (error: unknown) => error,
      );
      missing.close();
      expect(failure).toBeInstanceOf(TradewindError);
      expect(failure).toMatchObject({ code: 'not_found', message: expect.stringContaining('missing-queue') as string });
    });

    test('that may be closed twice', async () => {
      const { source } = await openForTest();
      source.close();
      source.close();
    });
  });
}

function idle(): AbortSignal {
  return new AbortController().signal;
}

async function receiveOne(source: EventSource): Promise<ReceivedMessage> {
  for (;;) {
    const [message] = await source.receive(idle(), 0);
    if (message !== undefined) return message;
  }
}
