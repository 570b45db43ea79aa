/** Other dags of the same environment: one starts a run of another and waits for its end, a third waits for tasks of it. */
import { dag, externalTaskMarker, externalTaskSensor } from '@tradewind/sdk';

export const refresh = dag('engine_refresh', { tags: ['example'], params: { region: { type: 'string', default: 'eu' } } }, (d) => {
  const loaded = d.task('load', { run: (_, { params }) => `loaded ${params.region}` });
  d.task('feeds_report', { ...externalTaskMarker({ dag: 'engine_report', task: 'refreshed' }), after: [loaded] });
});

export const starter = dag('engine_starter', { tags: ['example'] }, (d) => {
  const conf = d.task('which', { run: () => ({ region: 'us' }) });
  const runId = d.triggerDagRun('refresh', { dag: refresh, conf, waitForCompletion: true, onExisting: 'skip' });
  d.task('done', { inputs: { runId }, run: ({ runId }) => `${runId} is done` });
});

export const report = dag(
  'engine_report',
  { schedule: '@daily', startDate: '2026-01-01', isPausedUponCreation: true, tags: ['example'] },
  (d) => {
    const refreshed = d.sensor('refreshed', {
      ...externalTaskSensor({ dag: refresh, tasks: ['load'], failedStates: ['failed', 'upstream_failed'] }),
      mode: 'reschedule',
      timeout: { hours: 12 },
    });
    d.task('write', { after: [refreshed], run: () => 'written' });
  },
);
