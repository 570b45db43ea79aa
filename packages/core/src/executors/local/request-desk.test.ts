import { createFrameReader, MAX_REQUESTS_IN_FLIGHT, type SupervisorMessage, type TaskResponse } from '@tradewind/protocol';
import { expect, test } from 'vitest';
import { silentLog, type Log } from '../../platform/log.ts';
import { noTaskServices, type TaskServices } from '../../platform/task-services.ts';
import { createVirtualClock } from '../../platform/testing/virtual-clock.ts';
import { RequestDesk } from './request-desk.ts';

const attempt = { taskInstanceId: 't', epoch: 1 };
const request = { kind: 'variable', key: 'region' } as const;

function open(services: TaskServices, log: Log = silentLog) {
  const readFrame = createFrameReader();
  const sent: SupervisorMessage[] = [];
  const clock = createVirtualClock();
  const send = (frame: Uint8Array): void => void sent.push(...(readFrame(frame) as SupervisorMessage[]));
  return { desk: new RequestDesk({ attempt, services, clock, log, send }), sent, clock };
}

const answering = (response: unknown): TaskServices => ({ answer: () => Promise.resolve(response as TaskResponse) });
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('hands the answer to the request of the same number', async () => {
  const { desk, sent } = open(answering({ ok: true, value: 'eu' }));
  desk.take(7, request);
  await settled();
  expect(sent).toEqual([{ type: 'response', requestId: 7, response: { ok: true, value: 'eu' } }]);
});

test.each([
  ['a service that rejects', { answer: () => Promise.reject(new Error('no route to host db-7')) }],
  [
    'a service that throws',
    {
      answer: (): never => {
        throw new Error('no route to host db-7');
      },
    },
  ],
  ['a service that answers nonsense', answering({ ok: 'yes', value: Symbol.iterator })],
])('%s is told to the environment’s log, and the task learns only that it may try again', async (_, services) => {
  const problems: unknown[] = [];
  const { desk, sent } = open(services, { ...silentLog, error: (_event, fields) => void problems.push(fields) });
  desk.take(1, request);
  await settled();
  expect(sent).toMatchObject([{ response: { ok: false, code: 'unavailable', message: expect.not.stringContaining('db-7') as string } }]);
  expect(problems).toMatchObject([{ taskInstanceId: 't', epoch: 1, kind: 'variable' }]);
});

test('without services every request is refused', async () => {
  const { desk, sent } = open(noTaskServices);
  desk.take(1, request);
  await settled();
  expect(sent).toMatchObject([{ response: { ok: false, code: 'unavailable' } }]);
});

test('an answer that does not come in time is replaced, and what comes later is dropped', async () => {
  const late = Promise.withResolvers<TaskResponse>();
  const { desk, sent, clock } = open({ answer: () => late.promise });
  desk.take(1, request);
  await clock.advance(30_000);
  await settled();
  late.resolve({ ok: true, value: 'eu' });
  await settled();
  expect(sent).toMatchObject([{ response: { ok: false, code: 'unavailable', message: expect.stringContaining('within 30 s') as string } }]);
});

test('who asks more at once than the protocol allows is found out', () => {
  const { desk } = open({ answer: () => new Promise(() => {}) });
  const taken = Array.from({ length: MAX_REQUESTS_IN_FLIGHT + 1 }, (_, index) => desk.take(index, request));
  expect(taken.indexOf(false)).toBe(MAX_REQUESTS_IN_FLIGHT);
});

test('after the end of its try nobody is answered', async () => {
  const { desk, sent } = open(answering({ ok: true, value: 'eu' }));
  desk.take(1, request);
  desk.close();
  await settled();
  expect(sent).toEqual([]);
});

test('an answer that no message holds is replaced by one that says so', async () => {
  const { desk, sent } = open(answering({ ok: true, value: 'x'.repeat(17 * 1_048_576) }));
  desk.take(1, request);
  await settled();
  expect(sent).toMatchObject([
    { response: { ok: false, code: 'bad_request', message: expect.stringContaining('are handed to a task') as string } },
  ]);
});
