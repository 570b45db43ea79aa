import type { DagRunState, TaskInstanceState } from '@tradewind/protocol';
import { defineStatement } from '../database.ts';

/** A task instance, and the state in which it was found. */
export interface FoundState {
  readonly id: string;
  readonly epoch: number;
  readonly state: TaskInstanceState;
}

/** The columns of `FoundState` as rows of a statement. */
export const FOUND_STATE = { id: 'text', epoch: 'bigint', found: 'text' } as const;

/** The values of such rows. */
export function foundAsJson(instances: readonly FoundState[]): string {
  return JSON.stringify(instances.map(({ id, epoch, state }) => ({ id, epoch, found: state })));
}

/** The condition that a task instance is still as it was found. */
export function isAsFound(instance: string, wanted: string): string {
  return `${instance}.id = ${wanted}.id and ${instance}.epoch = ${wanted}.epoch and ${instance}.state = ${wanted}.found`;
}

/** What somebody who wants to change a run found, and decided from. */
export interface FoundDagRun {
  readonly id: string;
  readonly state: DagRunState;
  readonly revision: number;
  /** How many task instances it had. */
  readonly counted: number;
  /** Task instances that must not have changed, although this operation leaves them alone. */
  readonly reliesOn: readonly FoundState[];
}

/**
 * Locks the run and its task instances until the transaction ends, in the order in which everybody locks them, so that what `holdFoundDagRun` compares stays as it is. SQLite's
 * single writer needs no lock.
 */
export const lockDagRun = defineStatement<never, [dagRunId: string]>(
  'lock_dag_run',
  (d) => `select id from dag_run where id = $1 ${d.forUpdate}`,
  (dagRunId) => [dagRunId],
);

/** See `lockDagRun`. */
export const lockTaskInstances = defineStatement<never, [dagRunId: string]>(
  'lock_task_instances_of_run',
  (d) => `select id from task_instance where dag_run_id = $1 order by id ${d.forUpdate}`,
  (dagRunId) => [dagRunId],
);

/**
 * Marks a run as this operation's for the rest of the transaction, if it is still what it was, has no new task instances, and what the change relies on has not moved; raises its
 * revision, so that the scheduler that holds it reads it again. Every statement after it names the operation, and changes nothing where this one did not.
 *
 * Run twice: the revision no longer matches, nothing is returned.
 */
export const holdFoundDagRun = defineStatement<{ id: string }, [operation: string, found: FoundDagRun]>(
  'hold_found_dag_run',
  (d) => `
    update dag_run
    set held_by_tick = $1, revision = dag_run.revision + 1
    where dag_run.id = $2 and dag_run.revision = $3 and dag_run.state = $4
      and (select count(*) from task_instance as counted where counted.dag_run_id = $2) = $5
      and not exists (
        select 1
        from ${d.rows('$6', 'expected', FOUND_STATE)}
        left join task_instance as instance on ${isAsFound('instance', 'expected')}
        where instance.id is null
      )
    returning dag_run.id as id`,
  (operation, { id, revision, state, counted, reliesOn }) => [operation, id, revision, state, counted, foundAsJson(reliesOn)],
);
