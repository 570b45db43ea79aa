/** Waiting: a sensor asks again and again, a deferred task is told; neither keeps a slot. */
import { setTimeout } from 'node:timers/promises';
import { dag, defer, deferFor, fileSensor, trigger } from '@tradewind/sdk';

export const sensors = dag(
  'engine_sensors',
  { tags: ['example'], params: { folder: { type: 'string', default: '/tmp/tradewind' } } },
  (d) => {
    const file = d.sensor('wait_file', {
      ...fileSensor({ path: '{{ params.folder }}/*.csv' }),
      mode: 'reschedule',
      pokeInterval: { seconds: 30 },
      timeout: { hours: 6 },
      onFailure: 'soft',
    });
    d.task('load', { inputs: { file }, run: ({ file }) => `loaded ${file}` });
  },
);

/** Waits for a job outside. It runs beside other triggers in one process, so it only looks. */
const batchJob = trigger('batch_job', {
  run: async ({ jobId }: { readonly jobId: string }, { signal, log }) => {
    for (let look = 1; look < 3; look += 1) {
      log.info('looking', { jobId, look });
      await setTimeout(1_000, undefined, { signal });
    }
    return { rows: jobId.length };
  },
});

export const deferral = dag('engine_deferral', { tags: ['example'] }, (d) => {
  const rows = d.task('train', {
    triggers: [batchJob],
    run: (_, { runId }) => defer(batchJob, { args: { jobId: `train-${runId}` }, state: { model: 'v2' }, timeout: { hours: 2 } }),
    resume: (event, _, __, { model }) => `${model}: ${event.rows} rows`,
  });
  const cooled = d.task('cool_down', { after: [rows], run: () => deferFor({ seconds: 10 }) });
  d.task('publish', { after: [cooled], inputs: { rows }, run: ({ rows }) => rows });
});
