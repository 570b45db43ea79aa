import type { Attempt, AttemptReport, SerializedDag, TryOutcome, Workload } from '@tradewind/protocol';
import type { Executor } from '../packages/core/src/platform/executor.ts';
import { drawOutcome } from '../packages/core/src/scheduler/testing/draw-outcome.ts';
import type { SeededRandom } from './seeded-random.ts';
import type { SimulatedProcess } from './simulated-process.ts';
import type { VirtualTime } from './virtual-time.ts';

/** How an attempt ended, as its worker saw it, and when. */
export interface SeenEnd {
  readonly outcome: TryOutcome;
  readonly at: number;
}

/** What the world remembers of every attempt that a worker ever began, to compare with what was recorded. */
export interface WorkerHistory {
  /** `taskInstanceId:epoch` → how it ended, as the worker saw it. */
  readonly ended: Map<string, SeenEnd>;
  readonly begun: Set<string>;
}

/** How simulated tasks behave. */
export interface TaskBehaviour {
  /** How often a try ends as it is drawn; else it succeeds. */
  readonly wildness: number;
  readonly longestMs: () => number;
}

/** What a simulated executor is made of. */
export interface SimulatedExecutorParts {
  readonly time: VirtualTime;
  readonly process: SimulatedProcess;
  readonly random: SeededRandom;
  readonly history: WorkerHistory;
  readonly behaviour: TaskBehaviour;
  readonly dags: ReadonlyMap<string, SerializedDag>;
  readonly report: (report: AttemptReport) => void;
  /**
   * Takes reports of workers that outlived the scheduler which started them: they go straight to the database, as those of remote workers
   * will.
   */
  readonly reportAsStray: (report: AttemptReport) => void;
}

const LARGEST_SEED = 2 ** 31;

/** The name that history gives an attempt. */
export function attemptKey({ taskInstanceId, epoch }: Attempt): string {
  return `${taskInstanceId}:${epoch}`;
}

/** An executor whose workers are events of the world. Where the scheduler's process dies, some of its workers live on as strays. */
export function createSimulatedExecutor(parts: SimulatedExecutorParts): Executor {
  const { time, process, random, history, behaviour } = parts;
  const held = new Map<string, { isCancelled: boolean }>();

  const send = (report: AttemptReport, delayMs: number): void => {
    time.plan(delayMs, `${process.name} report ${report.type}`, () => {
      if (!process.isAlive()) {
        parts.reportAsStray(report);
        return;
      }
      if (process.delayMs() > 0) {
        send(report, process.delayMs());
        return;
      }
      if (report.type === 'ended') held.delete(attemptKey(report.attempt));
      parts.report(report);
    });
  };

  const work = (workload: Workload, state: { isCancelled: boolean }): void => {
    const { attempt } = workload;
    const survives = random.happens(0.5);
    time.plan(random.between(0, 5), `${process.name} worker starts`, () => {
      if (!process.isAlive() && !survives) return;
      history.begun.add(attemptKey(attempt));
      send({ type: 'started', attempt, at: time.now, pid: 1, hostname: 'worker' }, random.between(0, 2));
      time.plan(random.between(0, behaviour.longestMs()), `${process.name} worker ends`, () => {
        if (!process.isAlive() && !survives) return;
        const outcome = state.isCancelled ? cancelled : drawEnd(parts, workload);
        history.ended.set(attemptKey(attempt), { outcome, at: time.now });
        send({ type: 'ended', attempt, at: time.now, outcome }, random.between(2, 6));
      });
    });
  };

  return {
    name: 'simulated',
    parallelism: random.between(1, 6),
    dispatch(workload) {
      const key = attemptKey(workload.attempt);
      if (held.has(key)) return;
      const state = { isCancelled: false };
      held.set(key, state);
      work(workload, state);
    },
    holds: (attempt) => held.has(attemptKey(attempt)),
    cancel(attempt) {
      const state = held.get(attemptKey(attempt));
      if (state !== undefined) state.isCancelled = true;
    },
    stop: () => Promise.resolve(),
  };
}

const cancelled: TryOutcome = { result: 'failed', failure: { kind: 'crashed', message: 'the worker was told to stop' } };

function drawEnd({ random, behaviour, dags, time }: SimulatedExecutorParts, workload: Workload): TryOutcome {
  const dag = dags.get(workload.context.dagId);
  if (dag === undefined) throw new Error(`a worker was handed a task of ${workload.context.dagId}, which does not exist`);
  const place = { seed: random.between(0, LARGEST_SEED), workload, leg: random.between(0, 3), now: time.now };
  return drawOutcome(dag, place, !random.happens(behaviour.wildness));
}
