import type { Attempt, AttemptReport, TryOutcome, Workload } from '@tradewind/protocol';
import { afterEach, describe, expect, test } from 'vitest';
import type { Executor, ReportHandler } from '../platform/executor.ts';
import { attemptKey } from './local/attempt-key.ts';
import type { TestTry } from './testing/test-bundle.ts';

/** An executor in its world, as one test uses it. */
export interface ExecutorWorld {
  readonly executor: Executor;
  /** A try of a task of testing/dags/contract.ts. */
  createWorkload(one: Omit<TestTry, 'version' | 'file' | 'dagId'>): Workload;
  /** Processes that run author code and have not ended. */
  countProcesses(): Promise<number>;
  /** Stops the executor, where the test has not, and takes the world away. */
  close(): Promise<void>;
}

/** How a suite gets a world. */
export interface ExecutorWorldOptions {
  readonly onReport: ReportHandler;
  readonly parallelism: number;
  /** Between asking a try to end and killing it. */
  readonly graceMs: number;
}

/** What every executor does, whatever it runs tries on. */
export function describeExecutor(name: string, createWorld: (options: ExecutorWorldOptions) => Promise<ExecutorWorld>): void {
  let reports: ReportList;
  let world: ExecutorWorld;

  const begin = async (options: Partial<ExecutorWorldOptions> = {}): Promise<void> => {
    reports = new ReportList();
    world = await createWorld({ parallelism: 4, graceMs: 10_000, onReport: (report) => reports.add(report), ...options });
  };
  const run = async (one: Parameters<ExecutorWorld['createWorkload']>[0]): Promise<TryOutcome> => {
    const workload = world.createWorkload(one);
    world.executor.dispatch(workload);
    return (await reports.ended(workload.attempt)).outcome;
  };

  afterEach(async () => {
    await world.close();
  });

  describe(name, () => {
    test('reports that an attempt has started and then, once, that it has ended', async () => {
      await begin();
      await run({ taskId: 'add', inputs: { a: 1, b: 2 } });
      const [started, ended, ...more] = reports.all;
      expect(started).toMatchObject({ type: 'started', attempt: { epoch: 1 } });
      expect(ended).toMatchObject({ type: 'ended', outcome: { result: 'success', valueJson: '3', events: [] } });
      expect(more).toEqual([]);
      expect((ended?.at ?? 0) - (started?.at ?? 0)).toBeGreaterThanOrEqual(0);
    });

    test('hands inputs, params and the facts of the try to the task', async () => {
      await begin();
      const outcome = await run({ taskId: 'context', runId: 'manual__1', epoch: 2, params: { region: 'eu' } });
      expect(valueOf(outcome)).toEqual({
        dagId: 'contract',
        runId: 'manual__1',
        taskId: 'context',
        tryNumber: 2,
        params: { region: 'eu' },
      });
    });

    test('hands on more values of a mapped task than fit into a message, or into the memory of the process', async () => {
      await begin();
      const values = Array.from({ length: 20_000 }, (_, place) => ({ place, text: 'x'.repeat(4_000) }));
      const outcome = await run({ taskId: 'sum_of_many', inputs: { each: values } });
      expect(valueOf(outcome)).toEqual({ length: 20_000, last: 19_999, sum: 80_000_000 + 199_990_000 });
    });

    test('passes on what a task emits', async () => {
      await begin();
      const events = [{ assetName: 'seen', extraJson: '{"rows":3}' }];
      expect(await run({ taskId: 'emit' })).toEqual({ result: 'success', valueJson: 'null', events });
    });

    test('tells by the way a task ends what is to become of it', async () => {
      await begin();
      expect(await run({ taskId: 'skip' })).toEqual({ result: 'skipped', reason: 'there is nothing to do' });
      expect(await run({ taskId: 'throw' })).toMatchObject(failure('error', /^TypeError: no such row$/));
      expect(await run({ taskId: 'fail' })).toMatchObject(failure('fail_without_retry', /^it never will$/));
      expect(await run({ taskId: 'return_date' })).toMatchObject(failure('bad_value', /\$\.at is an instance of Date/));
    });

    test('fails a task that no longer exists, naming it', async () => {
      await begin();
      expect(await run({ taskId: 'gone' })).toMatchObject(failure('import', /no task "gone"/));
    });

    test.each([
      ['exit_0', 'no_result', /exit code 0/],
      ['exit_3', 'crashed', /exit code 3/],
      ['segmentation_fault', 'crashed', /SIGSEGV/],
      ['heap', 'out_of_memory', /MB of heap/],
    ])('fails %s as %s and goes on', async (taskId, kind, message) => {
      await begin();
      expect(await run({ taskId })).toMatchObject(failure(kind, message));
      expect(await run({ taskId: 'add', inputs: { a: 1, b: 2 } })).toMatchObject({ result: 'success' });
    });

    test('ignores an attempt that it holds already', async () => {
      await begin({ parallelism: 2 });
      const workload = world.createWorkload({ taskId: 'wait_for_signal' });
      world.executor.dispatch(workload);
      await reports.started(workload.attempt);
      await run({ taskId: 'nothing', runId: 'leaves_an_idle_process' });
      world.executor.dispatch(workload);
      await run({ taskId: 'nothing', runId: 'finds_it_idle' });
      world.executor.cancel(workload.attempt, 'the test is over');
      await reports.ended(workload.attempt);
      expect(reports.all.filter((report) => attemptKey(report.attempt) === attemptKey(workload.attempt))).toHaveLength(2);
    });

    test('holds an attempt from its dispatch to its end', async () => {
      await begin();
      const workload = world.createWorkload({ taskId: 'nothing' });
      expect(world.executor.holds(workload.attempt)).toBe(false);
      world.executor.dispatch(workload);
      expect(world.executor.holds(workload.attempt)).toBe(true);
      expect(world.executor.holds({ ...workload.attempt, epoch: 2 })).toBe(false);
      await reports.ended(workload.attempt);
      expect(world.executor.holds(workload.attempt)).toBe(false);
    });

    test('ends a task that exceeds its executionTimeout, though it listens to nothing', async () => {
      await begin();
      expect(await run({ taskId: 'ignore_signal', executionTimeoutMs: 100 })).toMatchObject(
        failure('timeout', /executionTimeout of 0\.1 s/),
      );
      expect(await run({ taskId: 'tidy_up', executionTimeoutMs: 100 })).toMatchObject(failure('timeout', /executionTimeout/));
    });

    test('kills a task that never returns to its event loop, after the grace period', async () => {
      await begin({ graceMs: 50 });
      expect(await run({ taskId: 'busy', executionTimeoutMs: 100 })).toMatchObject(failure('timeout', /executionTimeout/));
    });

    test('stops a task that is cancelled, and reports its end', async () => {
      await begin();
      const workload = world.createWorkload({ taskId: 'wait_for_signal' });
      world.executor.dispatch(workload);
      await reports.started(workload.attempt);
      world.executor.cancel(workload.attempt, 'somebody cleared it');
      world.executor.cancel(workload.attempt, 'and somebody else did, too late');
      expect((await reports.ended(workload.attempt)).outcome).toMatchObject(failure('stopped', /somebody cleared it/));
    });

    test('never starts a task that is cancelled while it waits', async () => {
      await begin({ parallelism: 1 });
      const running = world.createWorkload({ taskId: 'wait_for_signal' });
      const waiting = world.createWorkload({ taskId: 'nothing' });
      world.executor.dispatch(running);
      await reports.started(running.attempt);
      world.executor.dispatch(waiting);
      world.executor.cancel(waiting.attempt, 'not wanted');
      expect((await reports.ended(waiting.attempt)).outcome).toMatchObject(failure('stopped', /not wanted/));
      expect(reports.all.filter((report) => report.type === 'started')).toHaveLength(1);
    });

    test('leaves a task alone when another attempt at it is cancelled', async () => {
      await begin();
      const workload = world.createWorkload({ taskId: 'wait_for_signal', epoch: 2 });
      world.executor.dispatch(workload);
      await reports.started(workload.attempt);
      world.executor.cancel({ ...workload.attempt, epoch: 1 }, 'an older one');
      world.executor.cancel(workload.attempt, 'this one');
      expect((await reports.ended(workload.attempt)).outcome).toMatchObject(failure('stopped', /this one/));
    });

    test('runs every attempt that it is given, more than it can run at once', async () => {
      await begin({ parallelism: 2 });
      const workloads = Array.from({ length: 20 }, (_, index) => world.createWorkload({ taskId: 'nothing', runId: `run_${index}` }));
      for (const workload of workloads) world.executor.dispatch(workload);
      const ends = await Promise.all(workloads.map(({ attempt }) => reports.ended(attempt)));
      expect(ends.map(({ outcome }) => outcome.result)).toEqual(workloads.map(() => 'success'));
    });

    test('gives a task that wants one a process of its own', async () => {
      await begin({ parallelism: 1 });
      const pids: unknown[] = [];
      for (const [epoch, isolation] of (['process', 'process', 'warm', 'process'] as const).entries()) {
        pids.push(valueOf(await run({ taskId: 'pid', epoch, isolation })));
      }
      expect(new Set(pids).size).toBe(4);
    });

    test('leaves no process behind when it stops, and reports nothing more', async () => {
      await begin({ graceMs: 50 });
      const workloads = ['wait_for_signal', 'ignore_signal', 'busy'].map((taskId) => world.createWorkload({ taskId }));
      for (const workload of workloads) world.executor.dispatch(workload);
      await Promise.all(workloads.map(({ attempt }) => reports.started(attempt)));
      expect(await world.countProcesses()).toBeGreaterThanOrEqual(3);
      const before = reports.all.length;
      await world.executor.stop();
      expect(await world.countProcesses()).toBe(0);
      expect(reports.all).toHaveLength(before);
    });
  });
}

/** Reports as they come, and promises for those that are awaited. */
class ReportList {
  readonly all: AttemptReport[] = [];
  readonly #listeners: (() => void)[] = [];

  add(report: AttemptReport): void {
    this.all.push(report);
    for (const listener of this.#listeners.splice(0)) listener();
  }

  started(attempt: Attempt): Promise<AttemptReport & { type: 'started' }> {
    return this.#first(attempt, (report) => report.type === 'started');
  }

  ended(attempt: Attempt): Promise<AttemptReport & { type: 'ended' }> {
    return this.#first(attempt, (report) => report.type === 'ended');
  }

  async #first<Wanted extends AttemptReport>(attempt: Attempt, isWanted: (report: AttemptReport) => report is Wanted): Promise<Wanted> {
    for (;;) {
      const found = this.all.filter((report) => attemptKey(report.attempt) === attemptKey(attempt)).find((report) => isWanted(report));
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => {
        this.#listeners.push(resolve);
      });
    }
  }
}

function failure(kind: string, message: RegExp): object {
  return { result: 'failed', failure: { kind, message: expect.stringMatching(message) as string } };
}

function valueOf(outcome: TryOutcome): unknown {
  return outcome.result === 'success' ? JSON.parse(outcome.valueJson) : outcome;
}
