import type { Attempt, TryFailure, TryOutcome, Workload } from '@tradewind/protocol';
import { beforeEach, describe, expect, test } from 'vitest';
import { silentLog } from '../../platform/log.ts';
import { createVirtualClock, type VirtualClock } from '../../platform/testing/virtual-clock.ts';
import { createWorkload } from '../testing/test-bundle.ts';
import { attemptKey } from './attempt-key.ts';
import { ChildPool, type ChildPoolLimits, type PooledChild, type PooledChildEvents } from './child-pool.ts';
import type { LoggedTry } from './waiting-tries.ts';

let clock: VirtualClock;
let children: FakeChild[];
let ended: string[];
let pool: ChildPool;

beforeEach(() => {
  clock = createVirtualClock();
  children = [];
  ended = [];
});

/** A child whose life the test decides. */
class FakeChild implements PooledChild {
  state: PooledChild['state'] = 'starting';
  tries = 0;
  leftBehind: string | undefined;
  heapUsedBytes = 0;
  lastTryMs: number | undefined;
  stuckSinceMs: number | undefined;
  current: LoggedTry | undefined;
  verdict: TryFailure | undefined;
  readonly #events: PooledChildEvents;

  constructor(events: PooledChildEvents) {
    this.#events = events;
    this.stuckSinceMs = clock.monotonicMs();
  }

  get taskId(): string | undefined {
    return this.current?.workload.context.taskId;
  }

  ready(): void {
    this.state = 'idle';
    this.stuckSinceMs = undefined;
    this.#events.onIdle(this);
  }

  end(lastTryMs?: number): void {
    const { current } = this;
    this.lastTryMs = lastTryMs;
    if (current === undefined) throw new Error('there is no try to end');
    this.current = undefined;
    this.state = 'idle';
    this.#events.onIdle(this);
    this.#events.onEnded(current.workload, 0, { result: 'success', valueJson: 'null', events: [] });
  }

  giveBack(): void {
    if (this.current !== undefined) this.#events.onReturned(this.current);
    this.go();
  }

  go(problem?: string): void {
    this.state = 'gone';
    this.#events.onGone(this, problem);
  }

  runs(attempt: Attempt): boolean {
    return this.current !== undefined && attemptKey(this.current.workload.attempt) === attemptKey(attempt);
  }

  start(one: LoggedTry): void {
    expect(this.state).toBe('idle');
    this.state = 'busy';
    this.tries += 1;
    this.current = one;
  }

  endEarly(failure: TryFailure): void {
    this.condemn(failure);
  }

  condemn(failure: TryFailure): void {
    this.verdict = failure;
    this.kill();
  }

  kill(): void {
    this.state = 'ending';
  }
}

function begin(limits: Partial<ChildPoolLimits> = {}): void {
  pool = new ChildPool({
    limits: {
      parallelism: 4,
      cores: 2,
      minimumSpare: 0,
      idleMs: 60_000,
      maxTries: 1_000,
      maxHeapUsedBytes: 1_000,
      startTimeoutMs: 30_000,
      importTimeoutMs: 60_000,
      ...limits,
    },
    clock,
    log: silentLog,
    createChild: (events) => {
      const child = new FakeChild(events);
      children.push(child);
      return child;
    },
    onStarted: () => undefined,
    onEnded: (workload: Workload, _at: number, outcome: TryOutcome) => {
      ended.push(`${workload.context.taskId} ${outcome.result === 'failed' ? outcome.failure.kind : outcome.result}`);
    },
  });
}

function run(taskId: string, more: { version?: string; isolation?: 'warm' | 'process' } = {}): Attempt {
  const { version = 'v1', isolation = 'warm' } = more;
  const bundle = { bundleFolder: '/dags', bundleVersion: version, manifestFile: '/manifest' };
  const workload = createWorkload({ version: bundle, file: 'a.ts', dagId: 'a', taskId, isolation });
  pool.run({ workload, log: undefined as never });
  return workload.attempt;
}

const states = (): string[] => children.map(({ state }) => state);
const tasks = (): (string | undefined)[] => children.map(({ taskId }) => taskId);
const child = (index: number): FakeChild => children[index] ?? expect.fail(`there is no child ${index}`);

describe('growth', () => {
  test('begins with the first try and gives it to the child as soon as that is ready', () => {
    begin();
    run('a');
    expect(states()).toEqual(['starting']);
    child(0).ready();
    expect(tasks()).toEqual(['a']);
  });

  test('waits until a try has waited for longer than a short task takes', async () => {
    begin();
    run('a');
    child(0).ready();
    run('b');
    await clock.advance(14);
    expect(children).toHaveLength(1);
    await clock.advance(1);
    expect(states()).toEqual(['busy', 'starting']);
  });

  test('does not happen where the child becomes free in time', async () => {
    begin();
    run('a');
    child(0).ready();
    for (const taskId of ['b', 'c', 'd']) {
      run(taskId);
      await clock.advance(10);
      child(0).end();
      expect(tasks()).toEqual([taskId]);
    }
    await clock.advance(1_000);
    expect(children).toHaveLength(1);
  });

  test('stops at the cores where tries end one after the other within a moment', async () => {
    begin({ parallelism: 8 });
    for (let index = 0; index < 60; index += 1) run(String(index));
    child(0).ready();
    child(0).end(0.5);
    await clock.advance(15);
    child(1).ready();
    child(2).ready();
    for (let round = 0; round < 10; round += 1) {
      for (const busy of children) busy.end(0.5);
      await clock.advance(10);
    }
    expect(states()).toEqual(['busy', 'busy', 'busy']);
    // They turn out to be long now, and hold up the others by waiting.
    await clock.advance(10);
    expect(states()).toEqual(['busy', 'busy', 'busy', 'starting', 'starting']);
  });

  test('goes on two at a time, up to the parallelism', async () => {
    begin({ parallelism: 3 });
    for (const taskId of ['a', 'b', 'c', 'd']) run(taskId);
    await clock.advance(1_000);
    expect(states()).toEqual(['starting', 'starting']);
    child(0).ready();
    await clock.advance(0);
    expect(states()).toEqual(['busy', 'starting', 'starting']);
    child(1).ready();
    child(2).ready();
    await clock.advance(1_000);
    expect([states(), tasks()]).toEqual([
      ['busy', 'busy', 'busy'],
      ['a', 'b', 'c'],
    ]);
  });
});

describe('a try', () => {
  test('goes to the child of its version that was used last', () => {
    begin({ minimumSpare: 2 });
    child(0).ready();
    child(1).ready();
    run('a');
    run('b');
    child(1).end();
    child(0).end();
    run('c');
    expect(tasks().filter((taskId) => taskId === 'c')).toHaveLength(1);
    expect(child(0).taskId).toBe('c');
  });

  test('of another version goes to a fresh child and never to a bound one', async () => {
    begin();
    run('a');
    child(0).ready();
    child(0).end();
    run('b', { version: 'v2' });
    expect(child(0).taskId).toBeUndefined();
    child(1).ready();
    expect(child(1).taskId).toBe('b');
  });

  test('of another version takes the place of an idle child where there is no room', () => {
    begin({ parallelism: 1 });
    run('a');
    child(0).ready();
    child(0).end();
    run('b', { version: 'v2' });
    expect(states()).toEqual(['ending', 'starting']);
  });

  test('of another version does not wait for ever where one version has all children busy', async () => {
    begin({ parallelism: 1 });
    run('a');
    child(0).ready();
    run('starved', { version: 'v2' });
    for (let index = 0; index < 10; index += 1) run(`more${index}`);
    await clock.advance(900);
    child(0).end();
    expect(child(0).taskId).toBe('more0');
    await clock.advance(200);
    child(0).end();
    expect(states()).toEqual(['ending', 'starting']);
    child(1).ready();
    expect(child(1).taskId).toBe('starved');
  });

  test('that wants a process of its own gets a fresh child, which takes no other', () => {
    begin();
    run('a');
    child(0).ready();
    child(0).end();
    run('own', { isolation: 'process' });
    child(1).ready();
    expect(tasks()).toEqual([undefined, 'own']);
    child(1).end();
    expect(states()).toEqual(['idle', 'ending']);
  });

  test('that a dying child gives back goes to a fresh one', () => {
    begin();
    run('a');
    child(0).ready();
    child(0).end();
    run('b');
    child(0).giveBack();
    child(1).ready();
    expect(child(1).taskId).toBe('b');
  });

  test('that waits can be cancelled, and one that runs is ended early', () => {
    begin({ parallelism: 1 });
    const running = run('a');
    child(0).ready();
    const waiting = run('b');
    pool.cancel(waiting, { kind: 'stopped', message: 'not wanted' });
    expect(ended).toEqual(['b stopped']);
    pool.cancel(running, { kind: 'stopped', message: 'not wanted' });
    expect(child(0).verdict?.message).toBe('not wanted');
  });
});

describe('a child ends', () => {
  test.each<[string, (child: FakeChild) => void]>([
    [
      'when its last try has left something behind',
      (one) => {
        one.leftBehind = 'a timer';
      },
    ],
    [
      'when it holds much memory',
      (one) => {
        one.heapUsedBytes = 1_000;
      },
    ],
    [
      'when it has run many tries',
      (one) => {
        one.tries = 1_000;
      },
    ],
  ])('%s, and what waits gets another one', (_, wear) => {
    begin();
    run('a');
    child(0).ready();
    run('b');
    wear(child(0));
    child(0).end();
    expect(states()).toEqual(['ending', 'starting']);
    child(1).ready();
    expect(child(1).taskId).toBe('b');
  });

  test('when it has been idle for long, unless it is a spare one', async () => {
    begin({ minimumSpare: 1 });
    child(0).ready();
    run('a');
    child(1).ready();
    child(0).end();
    await clock.advance(59_000);
    expect(states()).toEqual(['idle', 'idle']);
    await clock.advance(12_000);
    expect(states().toSorted()).toEqual(['ending', 'idle']);
  });

  test('when it is not ready in time, or does not get on with its import', async () => {
    begin();
    run('a');
    run('b');
    child(0).ready();
    child(0).stuckSinceMs = clock.monotonicMs();
    await clock.advance(45_000);
    expect(child(1).verdict).toMatchObject({ kind: 'spawn', message: expect.stringContaining('not ready after 30 s') as string });
    await clock.advance(30_000);
    expect(child(0).verdict).toMatchObject({ kind: 'import', message: expect.stringContaining('not imported after 60 s') as string });
  });
});

describe('spare children', () => {
  test('are kept ready, and replaced when they are used', () => {
    begin({ minimumSpare: 1 });
    expect(states()).toEqual(['starting']);
    child(0).ready();
    run('a');
    expect(states()).toEqual(['busy', 'starting']);
  });

  test('are not started where an idle child could run the newest version', () => {
    begin({ minimumSpare: 1, parallelism: 2 });
    child(0).ready();
    run('a');
    child(0).end();
    child(1).go();
    expect(states()).toEqual(['idle', 'gone']);
  });

  test('are started for a newer version, though an older one has idle children', async () => {
    begin({ minimumSpare: 1 });
    child(0).ready();
    run('a');
    child(0).end();
    child(1).ready();
    run('b', { version: 'v2' });
    expect(states()).toEqual(['idle', 'busy', 'starting']);
  });

  test('are never more than there is room for', () => {
    begin({ minimumSpare: 3, parallelism: 2 });
    expect(children).toHaveLength(2);
  });
});

describe('a process that cannot be started', () => {
  test('fails the try that has waited longest, and no more', () => {
    begin();
    run('a');
    run('b');
    child(0).go('out of processes');
    expect(ended).toEqual(['a spawn']);
    child(1).ready();
    expect(child(1).taskId).toBe('b');
  });

  test('is no reason to try again in a hurry when nothing waits', async () => {
    begin({ minimumSpare: 1 });
    child(0).go('out of processes');
    expect(children).toHaveLength(1);
    run('a');
    expect(children).toHaveLength(2);
  });
});

describe('stopping', () => {
  test('ends every child, forgets what waits and is over when the last one is gone', async () => {
    begin({ parallelism: 2 });
    for (const taskId of ['a', 'b', 'c']) run(taskId);
    child(0).ready();
    await clock.advance(20);
    let isStopped = false;
    const stopped = pool.stop({ kind: 'stopped', message: 'over' }).then(() => {
      isStopped = true;
    });
    expect(states()).toEqual(['ending', 'ending']);
    child(0).go();
    await clock.advance(60_000);
    expect([isStopped, children.length]).toEqual([false, 2]);
    child(1).go();
    await stopped;
  });

  test('is over at once where there is no child', async () => {
    begin();
    await pool.stop({ kind: 'stopped', message: 'over' });
  });
});
