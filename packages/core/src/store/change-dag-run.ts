import type { RunChange, TaskInstanceChange } from '../model/run-change.ts';
import { wakeOthers, type Database, type Statement } from './database.ts';
import type { StoredDagRun } from './found-dag-runs.ts';
import { moveDagRunToVersion, refreshDagRun, requeueDagRun } from './transitions/clear-dag-run.ts';
import { clearTaskInstances, deleteClearedValues, forgetMappedScopes, interruptTaskInstances } from './transitions/clear-task-instances.ts';
import { holdFoundDagRun, lockDagRun, lockTaskInstances } from './transitions/hold-found-dag-run.ts';
import { markDagRun, rememberVerdict } from './transitions/mark-dag-run.ts';
import { markTaskInstances } from './transitions/mark-task-instances.ts';
import { recordClearedTries } from './transitions/record-tries.ts';
import { setDagRunNote, setTaskInstanceNotes } from './transitions/set-note.ts';

/** A decided change, and what it was decided from. */
export interface DecidedChange {
  readonly run: StoredDagRun;
  /** How many task instances the run had. */
  readonly counted: number;
  readonly change: RunChange;
  /** The version that the run is to be on; undefined where it stays on its own. */
  readonly dagVersionId?: string | undefined;
  readonly note?: string | null | undefined;
  readonly runNote?: string | null | undefined;
}

/** Who changes the run, and when. */
export interface ChangeContext {
  /** An id that no other operation has. */
  readonly operation: string;
  readonly now: number;
}

/** What of a decided change was written. */
export type WrittenChange =
  /** The run was changed since it was read: nothing. */
  | { readonly outcome: 'refused' }
  /** Everything, but for the task instances and the run that had moved on since they were read. */
  | { readonly outcome: 'written'; readonly taskInstanceIds: ReadonlySet<string>; readonly isRunWritten: boolean };

/** Writes a decided change as one transaction, in which each task instance and the run are changed only where they still are what the change was decided from. */
export async function changeDagRun(database: Database, decided: DecidedChange, { operation, now }: ChangeContext): Promise<WrittenChange> {
  const { run, counted, change } = decided;
  const found = { id: run.id, state: run.state, revision: run.revision, counted, reliesOn: change.reliesOn ?? [] };
  const instances = splitInstances(change.instances);
  const [, , held, , , , cleared, interrupted, marked, moved] = await database.batch([
    lockDagRun(run.id),
    lockTaskInstances(run.id),
    holdFoundDagRun(operation, found),
    recordClearedTries(operation, now, instances.cleared),
    deleteClearedValues(operation, run.id, [...instances.cleared, ...instances.interrupted]),
    forgetMappedScopes(operation, run.id, change.scopes),
    clearTaskInstances(operation, instances.cleared),
    interruptTaskInstances(operation, instances.interrupted),
    markTaskInstances(operation, now, instances.marked),
    moveRun(operation, now, { id: run.id, change }),
    ...versionAndNotes(operation, decided),
    wakeOthers,
  ]);
  if (held.length === 0) return { outcome: 'refused' };
  const taskInstanceIds = new Set([...cleared, ...interrupted, ...marked].map(({ id }) => id));
  return { outcome: 'written', taskInstanceIds, isRunWritten: moved.length > 0 };
}

function moveRun(
  operation: string,
  now: number,
  { id, change }: { readonly id: string; readonly change: RunChange },
): Statement<{ id: string }> {
  if (change.markedState !== undefined) return rememberVerdict(operation, id, change.markedState);
  if (change.run === 'queued') return requeueDagRun(operation, now, id);
  if (change.run !== 'stays') return markDagRun(operation, now, { id, state: change.run });
  return refreshDagRun(operation, now, { id, isCleared: change.instances.some(({ to }) => to === 'none' || to === 'restarting') });
}

function versionAndNotes(operation: string, { run, change, dagVersionId, note, runNote }: DecidedChange): Statement<unknown>[] {
  const ids = change.instances.map(({ instance }) => instance.id);
  return [
    ...(dagVersionId === undefined ? [] : [moveDagRunToVersion(operation, run.id, dagVersionId)]),
    ...(note === undefined ? [] : [setTaskInstanceNotes(ids, note)]),
    ...(runNote === undefined ? [] : [setDagRunNote(run.id, runNote)]),
  ];
}

const MARKED_FAILED = JSON.stringify({ kind: 'stopped', message: 'somebody marked the task instance as failed' });

function splitInstances(changes: readonly TaskInstanceChange[]) {
  const to = (state: TaskInstanceChange['to']) =>
    changes.filter((change) => change.to === state).map(({ instance, maxTries }) => ({ ...instance, maxTries }));
  const marked = changes.flatMap(({ instance, to: next }) =>
    next === 'none' || next === 'restarting' ? [] : [{ ...instance, to: next, failure: next === 'failed' ? MARKED_FAILED : null }],
  );
  return { cleared: to('none'), interrupted: to('restarting'), marked };
}
