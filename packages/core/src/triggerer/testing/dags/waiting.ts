/** Triggers and callbacks of every kind, for the tests of the triggerer. */
/* eslint-disable eslint/no-restricted-imports, eslint/no-restricted-properties, tradewind/no-ambient -- author code has all of Node */
import { appendFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { dag, trigger } from '@tradewind/sdk';

interface Where {
  readonly file: string;
}

const note = ({ file }: Where, text: string): void => appendFileSync(file, `${text}\n`);
const forever = (signal: AbortSignal): Promise<never> => setTimeout(2 ** 31 - 1, undefined, { signal }) as Promise<never>;

const echo = trigger('echo', {
  run: async (args: { readonly value: string }, { log }) => {
    log.info('waiting', { value: args.value });
    await setTimeout(1);
    return { ...args, pid: process.pid };
  },
});
const waits = trigger('waits', {
  run: async (where: Where, { signal }) => {
    note(where, `started ${process.pid}`);
    signal.addEventListener('abort', () => note(where, 'aborted'));
    return forever(signal);
  },
});
const throws = trigger('throws', {
  run: () => {
    throw new TypeError('no such job');
  },
});
const badValue = trigger('bad_value', { run: () => ({ at: new Date(0) }) });
const floats = trigger('floats', {
  run: (_: unknown, { signal }) => {
    void Promise.reject(new Error('nobody handles this'));
    return forever(signal);
  },
});
const throwsLater = trigger('throws_later', {
  run: (_: unknown, { signal }) => {
    globalThis.setTimeout(() => {
      throw new Error('out of a timer');
    }, 1);
    return forever(signal);
  },
});
const exits = trigger('exits', {
  run: async () => {
    await setTimeout(1);
    process.exit(3);
  },
});
const dies = trigger('dies', {
  run: async () => {
    await setTimeout(1);
    process.kill(process.pid, 'SIGKILL');
  },
});
const blocks = trigger('blocks', {
  run: async (_: unknown, { signal }) => {
    await setTimeout(1);
    const end = Date.now() + 60_000;
    while (Date.now() < end) Math.sqrt(end);
    return forever(signal);
  },
});

export const waiting = dag('waiting', (d) => {
  d.task('wait', {
    triggers: [echo, waits, throws, badValue, floats, throwsLater, exits, dies, blocks],
    run: () => null,
    resume: () => null,
    on: {
      success: [
        ({ runId, taskId, callbackId, log, params }) => log.info('succeeded', { runId, taskId, callbackId, params }),
        () => {
          throw new Error('the second one fails');
        },
        ({ log }) => log.info('the third one is called'),
      ],
      failure: () => new Promise(() => {}),
      retry: () => process.exit(1),
    },
  });
});
