import { defineStatement, type Statement } from '../database.ts';

/** A run that a scheduler believes to hold, at the revision that it last read. */
export interface HeldDagRun {
  readonly id: string;
  readonly revision: number;
}

/**
 * Marks the runs that a tick may advance: those whose lease is still the scheduler's (same term) and that nobody else has changed (same revision).
 *
 * First statement of every tick. Each run is found by its id: of a condition that is only true or not PostgreSQL makes no search in the index of the thousand runs that are active.
 * Locks the runs' rows, so that a takeover waits for the commit (lock order: dag_run, then task_instance).
 * The statements after it apply to marked runs only; the mark is worth nothing once the transaction has ended, because no other tick has its name.
 */
export const holdDagRuns = defineStatement<{ id: string }, [tick: string, term: number, now: number, runs: readonly HeldDagRun[]]>(
  'hold_dag_runs',
  (d) => `
    update dag_run
    set held_by_tick = $1, last_scheduled_at = $3
    from ${d.rows('$4', 'wanted', { id: 'text', revision: 'bigint' })}
    where dag_run.id = wanted.id and dag_run.revision = wanted.revision
      and (dag_run.scheduler_term = $2 and dag_run.state = 'running') is true
    returning dag_run.id as id`,
  (tick, term, now, runs) => [tick, term, now, JSON.stringify(runs)],
);

/** A task instance and the state in which a tick's own transitions should have left it. */
export interface ExpectedState {
  readonly taskInstanceId: string;
  readonly epoch: number;
  readonly state: string;
  /** What the end of its try counted; absent where the tick ended none. */
  readonly maxTries?: number;
  readonly losses?: number;
  readonly reschedules?: number;
  readonly retryAt?: number | null;
}

/**
 * Takes the mark off the runs of which a finish did not apply (somebody else ended that attempt first), so that nothing downstream is decided
 * from it. The state alone does not tell: a try that failed and the same try held for lost both wait for the next, but not for as long, and not with as many left.
 * Comes after the finishes and before everything that follows from them; where each of them has returned its row, nothing was refused.
 *
 * @param asked how many starts, finishes and resets the tick has asked for
 */
export function releaseRefusedDagRuns(tick: string, expected: readonly ExpectedState[], asked: number): Statement<{ id: string }> {
  const names = ['start_task_instances', 'finish_task_instances', 'reset_task_instances'];
  return { ...releaseDagRuns(tick, expected), needlessAfter: { names, rows: asked } };
}

const releaseDagRuns = defineStatement<{ id: string }, [tick: string, expected: readonly ExpectedState[]]>(
  'release_refused_dag_runs',
  (d) => `
    update dag_run
    set held_by_tick = null
    from (
      select distinct instance.dag_run_id as id
      from ${d.rows('$2', 'expected', {
        id: 'text',
        epoch: 'bigint',
        state: 'text',
        max_tries: 'bigint',
        losses: 'bigint',
        reschedules: 'bigint',
        retry_at: 'bigint',
      })}
      join task_instance as instance on instance.id = expected.id
      where instance.epoch <> expected.epoch or instance.state <> expected.state or (expected.losses is not null and (
        instance.max_tries <> expected.max_tries or instance.losses <> expected.losses or instance.reschedules <> expected.reschedules
        or instance.retry_at is distinct from expected.retry_at))
    ) as refused
    where dag_run.held_by_tick = $1 and dag_run.id = refused.id
    returning dag_run.id as id`,
  (tick, expected) => [
    tick,
    JSON.stringify(
      expected.map(({ taskInstanceId, epoch, state, maxTries, losses, reschedules, retryAt }) => ({
        id: taskInstanceId,
        epoch,
        state,
        max_tries: maxTries ?? null,
        losses: losses ?? null,
        reschedules: reschedules ?? null,
        retry_at: retryAt ?? null,
      })),
    ),
  ],
);

/** The condition that a run is marked by the tick; `run` is the alias of its row. */
export function heldRun(run: string, tick: string): string {
  return `${run}.held_by_tick = ${tick}`;
}

/**
 * The condition that the run of a task instance is marked by the tick. As a value and not with `exists`, which PostgreSQL may turn around: it would then begin with the marked runs and
 * read all of their task instances to find a few.
 */
export function inHeldRun(instance: string, tick: string): string {
  return `(select run.held_by_tick from dag_run as run where run.id = ${instance}.dag_run_id) = ${tick}`;
}
