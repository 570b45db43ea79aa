import { describe, expect, test } from 'vitest';
import { dag, defer, deferFor, externalTaskSensor, trigger } from '../index.ts';
import { runDag } from './index.ts';

const job = trigger('job', { run: ({ id }: { id: string }) => id.length });

describe('a sensor', () => {
  test.each(['poke', 'reschedule'] as const)('in mode %s pokes without waiting until it finds something', async (mode) => {
    let pokes = 0;
    const waiting = dag('d', (d) => {
      const found = d.sensor('wait', { mode, poke: () => ((pokes += 1) < 5 ? { done: false } : { done: true, value: 'a.csv' }) });
      d.task('load', { inputs: { found }, run: ({ found }) => found });
    });
    const { task } = await runDag(waiting);
    expect([pokes, task('load').value, task('wait').tries]).toEqual([5, 'a.csv', 1]);
  });

  test.each(['poke', 'reschedule'] as const)('in mode %s that finds nothing runs into its timeout, without a retry', async (mode) => {
    const never = dag('d', (d) => {
      d.sensor('wait', { mode, retries: 3, pokeInterval: { minutes: 1 }, timeout: { hours: 1 }, poke: () => false });
    });
    const { state, task } = await runDag(never);
    expect([state, task('wait').tries, task('wait').error?.message]).toEqual([
      'failed',
      1,
      'the sensor found nothing within 3600 seconds and 61 pokes',
    ]);
  });

  test('can be faked by what it finds, or by another poke', async () => {
    const waiting = dag('d', (d) => {
      const found = d.sensor('wait', { poke: (): { done: boolean; value?: string } => ({ done: false }) });
      d.task('load', { inputs: { found }, run: ({ found }) => found ?? null });
    });
    expect((await runDag(waiting, { fakes: { wait: 'b.csv' } })).task('load').value).toBe('b.csv');
    expect((await runDag(waiting, { fakes: { wait: () => true } })).task('load').value).toBeNull();
  });
});

describe('a deferred task', () => {
  const deferred = dag('d', (d) => {
    const started = d.task('start', { run: () => 'job-7' });
    d.task('wait', {
      inputs: { started },
      retries: 1,
      triggers: [job],
      run: ({ started }) => defer(job, { args: { id: started }, state: { from: started } }),
      resume: (event, _, { tryNumber }, { from }) => `${from}: ${event} on try ${tryNumber}`,
    });
  });

  test('resumes with what its trigger is said to come to', async () => {
    expect((await runDag(deferred, { triggers: { job: 5 } })).task('wait').value).toBe('job-7: 5 on try 1');
    const asked: unknown[] = [];
    const { task } = await runDag(deferred, { triggers: { job: (args) => asked.push(args) } });
    expect([task('wait').value, asked]).toEqual(['job-7: 1 on try 1', [{ id: 'job-7' }]]);
  });

  test('fails where its trigger is said to fail, and is tried again', async () => {
    let calls = 0;
    const { task } = await runDag(deferred, {
      triggers: {
        job: () => {
          calls += 1;
          if (calls === 1) throw new Error('the job is gone');
          return 9;
        },
      },
    });
    expect([task('wait').value, task('wait').tries]).toEqual(['job-7: 9 on try 2', 2]);
  });

  test('must be told what its trigger comes to', async () => {
    await expect(runDag(deferred)).rejects.toThrow('task "wait" waits for the trigger "job"; say what happens: triggers: { job: event }');
    await expect(runDag(deferred, { triggers: { job: { at: 1n } } })).rejects.toThrow(
      'the event of the trigger "job" cannot be passed on: $.at',
    );
  });

  test('by a timer goes on at once, as often as it likes', async () => {
    let resumed = 0;
    const timed = dag('d', (d) => {
      d.task('t', {
        run: () => deferFor({ days: 1 }),
        resume: () => {
          resumed += 1;
          return resumed < 3 ? deferFor({ days: 1 }) : resumed;
        },
      });
    });
    expect((await runDag(timed)).task('t').value).toBe(3);
  });

  test('may begin with its trigger, and is faked as a whole', async () => {
    const start = dag('d', (d) => {
      d.task('t', {
        triggers: [job],
        startFromTrigger: defer(job, { args: { id: 'x' }, state: 'kept' }),
        run: () => deferFor({ seconds: 1 }),
        resume: (event, _, __, state) => [event, state],
      });
    });
    expect((await runDag(start, { triggers: { job: 4 } })).task('t').value).toEqual([4, 'kept']);
    expect((await runDag(start, { fakes: { t: 'fake' } })).task('t').value).toBe('fake');
  });
});

describe('a task that triggers a dag run', () => {
  const other = dag('other', { params: { region: { type: 'string' } } }, () => {});
  const triggering = dag('d', (d) => {
    const conf = d.task('conf', { run: () => ({ region: 'eu' }) });
    const runId = d.triggerDagRun('go', { dag: other, conf, logicalDate: '2026-01-01T00:00Z', waitForCompletion: true });
    d.task('after', { inputs: { runId }, run: ({ runId }) => runId });
  });

  test('makes no run and says which one it asked for', async () => {
    const { triggeredRuns, task } = await runDag(triggering);
    expect(triggeredRuns).toEqual([
      { taskId: 'go', dagId: 'other', conf: { region: 'eu' }, logicalDate: '2026-01-01T00:00:00Z', runId: undefined, note: undefined },
    ]);
    expect(task('after').value).toBe('manual__2026-01-01T00:00:00Z');
  });

  test('can be faked, to fail for one', async () => {
    const fail = (): never => {
      throw new Error('the run failed');
    };
    const { state, triggeredRuns } = await runDag(triggering, { fakes: { go: fail } });
    expect([state, triggeredRuns]).toEqual(['failed', []]);
  });
});

test('an external-task sensor is faked: there are no other dags', async () => {
  const waiting = dag('d', (d) => {
    d.sensor('wait', externalTaskSensor({ dag: 'other' }));
  });
  const options = { logicalDate: '2026-01-01T00:00:00Z' };
  expect((await runDag(waiting, options)).task('wait').error?.message).toContain('runDag does not answer requests of kind dag_run_states');
  expect((await runDag(waiting, { ...options, fakes: { wait: () => true } })).state).toBe('success');
});
