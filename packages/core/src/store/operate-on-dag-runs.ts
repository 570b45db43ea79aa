import { compileGraph, decodeJson, type RunGraph, type SerializedDag } from '@tradewind/protocol';
import type { FoundRun, RunChange, TaskInstanceChange } from '../model/run-change.ts';
import { TradewindError } from '../platform/errors.ts';
import { changeDagRun, type DecidedChange } from './change-dag-run.ts';
import type { Database } from './database.ts';
import {
  selectCurrentVersion,
  selectRunsAround,
  selectRunsBetween,
  selectSerializedDags,
  selectStoredDagRuns,
  selectTaskInstancesOfRuns,
  type RunSelection,
  type StoredDagRun,
} from './found-dag-runs.ts';

/** Something that people do to runs: clear them, or mark what is in them. */
export interface RunOperation {
  readonly selection: RunSelection;
  /** Decides from what is found. Is asked again where that changed meanwhile, so it must not change anything itself. */
  readonly decide: (run: FoundRun, stored: StoredDagRun) => RunChange;
  /** Whether runs that are changed go on with the current version of the dag. @default false */
  readonly onLatestVersion?: boolean | undefined;
  /** Written to every task instance that is changed. */
  readonly note?: string | null | undefined;
  /** Written to every run that is changed. */
  readonly runNote?: string | null | undefined;
  /** Whether nothing is written. @default false */
  readonly isDryRun?: boolean | undefined;
}

/** What was done, or would be done, to one run. */
export interface OperatedRun {
  readonly run: StoredDagRun;
  readonly change: RunChange;
}

/** Who operates, and when. */
export interface OperationContext {
  readonly database: Database;
  readonly now: number;
  readonly newId: () => string;
}

/** More runs than that are not looked at in one go. */
const MOST_OPERATED_RUNS = 10_000;

/** So many runs are read at a time. */
const RUNS_AT_A_TIME = 50;

/** A scheduler changes a run that it holds every few milliseconds; that it does so between the look and the change several times in a row does not happen by chance. */
const MOST_ATTEMPTS = 10;

/**
 * Looks at the runs, decides, and writes: each run in one transaction that changes all of it or, where the run was changed since it was read, nothing, and is then decided anew.
 *
 * @returns the runs that were found, each with what was done; empty where there are none
 * @throws TradewindError `bad_request` for too many runs, `conflict` where a run never rests; runs before it are changed by then, and doing the same again does the rest
 */
export async function operateOnDagRuns(context: OperationContext, operation: RunOperation): Promise<readonly OperatedRun[]> {
  const ids = await findRuns(context.database, operation.selection);
  const graphs = new Map<string, RunGraph>();
  const operated: OperatedRun[] = [];
  for (let start = 0; start < ids.length; start += RUNS_AT_A_TIME) {
    for (const found of await readRuns(context.database, ids.slice(start, start + RUNS_AT_A_TIME), { graphs, operation })) {
      const done = await operateOnRun(context, operation, { graphs, found });
      if (done !== undefined) operated.push(done);
    }
  }
  return operated;
}

async function findRuns(database: Database, selection: RunSelection): Promise<readonly string[]> {
  const ids = selection.ids ?? (await selectIds(database, selection));
  if (ids.length <= MOST_OPERATED_RUNS) return ids;
  throw new TradewindError(
    'bad_request',
    `These are more than ${MOST_OPERATED_RUNS} runs of dag '${selection.dagId}'. Name an earliest and a latest date, and do it in several steps.`,
  );
}

async function selectIds(database: Database, selection: RunSelection): Promise<readonly string[]> {
  const select = selection.runId === undefined ? selectRunsBetween : selectRunsAround;
  const [rows] = await database.batch([select(selection, MOST_OPERATED_RUNS + 1)]);
  return rows.map(({ id }) => id);
}

/** A run with all that is decided from. */
interface ReadRun {
  readonly stored: StoredDagRun;
  readonly found: FoundRun;
  readonly dagVersionId: string | undefined;
}

/** What of a run is still to be done. */
interface Remaining {
  /** Undefined before the first look: all that is decided. */
  taskInstanceIds: ReadonlySet<string> | undefined;
  isRunWritten: boolean;
}

async function operateOnRun(
  context: OperationContext,
  operation: RunOperation,
  { graphs, found }: { readonly graphs: Map<string, RunGraph>; readonly found: ReadRun },
): Promise<OperatedRun | undefined> {
  let current: ReadRun | undefined = found;
  const whole = operation.decide(found.found, found.stored);
  if (operation.isDryRun === true) return { run: found.stored, change: whole };
  const done: TaskInstanceChange[] = [];
  const remaining: Remaining = { taskInstanceIds: undefined, isRunWritten: false };
  let change = whole;
  for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt += 1) {
    if (!isChange(change, operation)) return { run: current.stored, change: { ...whole, instances: done } };
    const decided = { ...toDecided(current, operation), change };
    const written = await changeDagRun(context.database, decided, { operation: `operation.${context.newId()}`, now: context.now });
    if (written.outcome === 'written') {
      const isWritten = ({ instance }: TaskInstanceChange): boolean => written.taskInstanceIds.has(instance.id);
      done.push(...change.instances.filter(isWritten));
      const left = change.instances.filter((each) => !isWritten(each));
      if (left.length === 0 && written.isRunWritten) return { run: current.stored, change: { ...change, instances: done } };
      remaining.taskInstanceIds = new Set(left.map(({ instance }) => instance.id));
      remaining.isRunWritten ||= written.isRunWritten;
    }
    [current] = await readRuns(context.database, [found.stored.id], { graphs, operation });
    // Somebody deleted it.
    if (current === undefined) return undefined;
    change = restOf(operation.decide(current.found, current.stored), remaining);
  }
  throw new TradewindError(
    'conflict',
    `Run '${found.stored.runId}' of dag '${found.stored.dagId}' cannot be changed: a scheduler keeps changing it. Try again.`,
  );
}

/** What was changed once is left alone from then on: it may have run again since. */
function restOf(change: RunChange, { taskInstanceIds, isRunWritten }: Remaining): RunChange {
  if (taskInstanceIds === undefined) return change;
  const instances = change.instances.filter(({ instance }) => taskInstanceIds.has(instance.id));
  if (isRunWritten) return { instances, scopes: [], run: 'stays' };
  return { ...change, instances };
}

function isChange({ instances, run, markedState }: RunChange, { runNote }: RunOperation): boolean {
  return instances.length > 0 || run !== 'stays' || markedState !== undefined || runNote !== undefined;
}

function toDecided({ stored, found, dagVersionId }: ReadRun, { note, runNote }: RunOperation): Omit<DecidedChange, 'change'> {
  return { run: stored, counted: found.instances.length, dagVersionId, note, runNote };
}

async function readRuns(
  database: Database,
  ids: readonly string[],
  { graphs, operation }: { readonly graphs: Map<string, RunGraph>; readonly operation: RunOperation },
): Promise<readonly ReadRun[]> {
  const [runs, instances, [current]] = await database.batch([
    selectStoredDagRuns(ids),
    selectTaskInstancesOfRuns(ids),
    selectCurrentVersion(operation.selection.dagId),
  ]);
  const latest = operation.onLatestVersion === true ? current?.dagVersionId : undefined;
  const versionOf = (run: StoredDagRun): string => latest ?? run.dagVersionId;
  await readGraphs(database, [...new Set(runs.map(versionOf))], graphs);
  const byRun = Map.groupBy(instances, ({ dagRunId }) => dagRunId);
  return runs.flatMap((stored) => {
    const graph = graphs.get(versionOf(stored));
    if (graph === undefined) throw new TradewindError('internal', `run '${stored.runId}' names a dag version that is not stored`);
    const dagVersionId = versionOf(stored) === stored.dagVersionId ? undefined : versionOf(stored);
    return [{ stored, found: { state: stored.state, graph, instances: byRun.get(stored.id) ?? [] }, dagVersionId }];
  });
}

async function readGraphs(database: Database, versions: readonly string[], graphs: Map<string, RunGraph>): Promise<void> {
  const unknown = versions.filter((id) => !graphs.has(id));
  if (unknown.length === 0) return;
  const [rows] = await database.batch([selectSerializedDags(unknown)]);
  for (const { id, serialized } of rows) graphs.set(id, compileGraph(decodeJson(serialized) as unknown as SerializedDag));
}
