import type { TriggerChildMessage, TriggerWork } from '@tradewind/protocol';
import { expect, test, vi } from 'vitest';
import type { TriggerHandler } from '../authoring/deferral.ts';
import { TriggerHost } from './trigger-host.ts';

function work(triggerId: number, args: unknown = null): TriggerWork {
  const code = { bundleFolder: '/dags', file: 'a.ts', bundleVersion: 'one', manifestFile: '/one.json' };
  return { triggerId, dagId: 'dag', runId: 'run', taskId: 'task', mapIndex: 3, name: 'job', argsJson: JSON.stringify(args), code };
}

function host(handler: TriggerHandler | string): {
  readonly host: TriggerHost;
  readonly sent: TriggerChildMessage[];
  readonly owners: number[];
} {
  const sent: TriggerChildMessage[] = [];
  const owners: number[] = [];
  const its = new TriggerHost({
    send: (message) => sent.push(message),
    findTrigger: () => Promise.resolve(typeof handler === 'string' ? { problem: handler } : { handler }),
    enter: (owner, run) => {
      owners.push(owner);
      return run();
    },
  });
  return { host: its, sent, owners };
}

test('fires once with what the code returns, which is told where it runs', async () => {
  const {
    host: its,
    sent,
    owners,
  } = host((args, { dagId, runId, taskId, mapIndex, log }) => {
    log.warning('looking', { args, at: 1n });
    return { args, dagId, runId, taskId, mapIndex };
  });
  its.run([work(1, { id: 7 })]);
  its.run([work(1, { id: 7 })]);
  await vi.waitUntil(() => sent.length === 2);
  expect(sent).toMatchObject([
    { type: 'log', triggerId: 1, record: { level: 'warning', event: 'looking', logger: 'trigger', args: { id: 7 }, at: '1' } },
    {
      type: 'fired',
      triggerId: 1,
      event: { ok: true, json: '{"args":{"id":7},"dagId":"dag","runId":"run","taskId":"task","mapIndex":3}' },
    },
  ]);
  expect(owners).toEqual([1]);
});

test('fires with why there is no code', async () => {
  const { host: its, sent } = host('no such trigger');
  its.run([work(1)]);
  await vi.waitUntil(() => sent.length === 1);
  expect(sent).toEqual([{ type: 'fired', triggerId: 1, event: { ok: false, message: 'no such trigger' } }]);
});

test('does not fire after it was cancelled, whatever the code makes of the signal', async () => {
  const entered = Promise.withResolvers<void>();
  const { host: its, sent } = host((_, { signal }) => {
    entered.resolve();
    return new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(new Error('aborted')));
    });
  });
  its.run([work(1)]);
  await entered.promise;
  its.cancel([1, 2]);
  await Promise.resolve();
  expect([sent, its.fail(1, 'late')]).toEqual([[], false]);
});

test('fires with a failure that came from elsewhere, and with nothing after it', async () => {
  const value = Promise.withResolvers<string>();
  const entered = Promise.withResolvers<void>();
  const { host: its, sent } = host(() => {
    entered.resolve();
    return value.promise;
  });
  its.run([work(1)]);
  await entered.promise;
  expect(its.fail(1, 'nobody caught it')).toBe(true);
  value.resolve('late');
  await value.promise;
  expect(sent).toEqual([{ type: 'fired', triggerId: 1, event: { ok: false, message: 'nobody caught it' } }]);
});
