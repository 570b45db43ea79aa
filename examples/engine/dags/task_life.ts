/** The life of a task: tries, limits, places in the queue, and who is told. */
import { dag, deadline, type Callback } from '@tradewind/sdk';

/** A notifier: a function that returns a callback. */
const tell =
  (whom: string): Callback =>
  ({ dagId, runId, log }) => {
    log.info('telling', { whom, dagId, runId });
  };

export const taskLife = dag(
  'engine_task_life',
  {
    tags: ['example'],
    maxConsecutiveFailedDagRuns: 5,
    dagrunTimeout: { hours: 4 },
    on: { failure: tell('the team') },
    deadlines: [{ name: 'two hours', reference: deadline.queuedAt(), interval: { hours: 2 }, callback: tell('whoever is on call') }],
    taskDefaults: { retries: 3, retryDelay: { seconds: 10 }, retryBackoff: 2, maxRetryDelay: { minutes: 5 } },
  },
  (d) => {
    const rows = d.task('extract', {
      executionTimeout: { minutes: 10 },
      on: { retry: tell('nobody yet'), failure: [tell('the team'), tell('the source')] },
      run: (_, { tryNumber }) => {
        if (tryNumber < 3) throw new Error('the source does not answer yet');
        return [3, 1, 2];
      },
    });
    d.task('load', {
      inputs: { rows },
      pool: 'default_pool',
      poolSlots: 2,
      priorityWeight: 10,
      weightRule: ({ priorityWeight, taskId }) => (taskId === 'load' ? priorityWeight * 2 : priorityWeight),
      maxActiveTisPerDag: 1,
      dependsOnPast: true,
      run: ({ rows }) => rows.toSorted((a, b) => a - b),
    });
  },
);
