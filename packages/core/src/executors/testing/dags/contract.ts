/** The tasks of the suite that every executor passes (executor.contract.ts). */
import { once } from 'node:events';
import { asset, dag } from '@tradewind/sdk';

const seen = asset<{ rows: number }>('seen');

export const contract = dag('contract', (d) => {
  d.task('add', { inputs: { a: 1, b: 2 }, run: ({ a, b }) => a + b });
  d.task('nothing', { run: () => {} });
  d.task('emit', { outlets: [seen], run: (_, context) => context.emit(seen, { rows: 3 }) });
  d.task('context', { run: (_, { dagId, runId, taskId, tryNumber, params }) => ({ dagId, runId, taskId, tryNumber, params }) });
  d.task('pid', { run: () => process.pid });

  const each = d.mappedTask('each', { expand: { place: [0] }, run: ({ place }) => ({ place, text: '' }) });
  d.task('sum_of_many', {
    inputs: { each },
    run: ({ each: all }) => ({
      length: all.length,
      last: all.at(-1)?.place ?? null,
      sum: all.reduce((sum, { place, text }) => sum + place + text.length, 0),
    }),
  });

  d.task('skip', { run: (_, context) => context.skip('there is nothing to do') });
  d.task('throw', { run: () => Promise.reject(new TypeError('no such row')) });
  d.task('fail', { run: (_, context) => context.fail('it never will') });
  d.task('return_date', { run: () => ({ at: new Date(0) }) as never });

  d.task('exit_0', { run: () => process.exit(0) });
  d.task('exit_3', { run: () => process.exit(3) });
  d.task('segmentation_fault', { run: () => process.kill(process.pid, 'SIGSEGV') });
  d.task('heap', { run: () => fillHeap() });

  d.task('wait_for_signal', {
    run: (_, { signal }) => once(signal, 'abort').then(() => Promise.reject(new Error('stopped by the signal'))),
  });
  d.task('ignore_signal', { run: () => new Promise<null>(() => {}) });
  d.task('busy', {
    run: () => {
      for (;;);
    },
  });
  d.task('tidy_up', {
    run: async (_, { signal, log }) => {
      await once(signal, 'abort');
      log.info('tidied up');
      return 'too late';
    },
  });
});

function fillHeap(): number {
  const kept: number[][] = [];
  for (;;) kept.push(Array.from({ length: 100_000 }, (_, index) => index + kept.length));
}
