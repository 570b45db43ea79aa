import { findMarkers, planClear, type ClearOptions, type Marker } from '../model/clear.ts';
import type { FoundRun, RunChange } from '../model/run-change.ts';
import { TradewindError } from '../platform/errors.ts';
import { selectRunsOfTasks, type RunSelection, type StoredDagRun, type TaskAtDate } from './found-dag-runs.ts';
import { operateOnDagRuns, type OperatedRun, type OperationContext, type RunOperation } from './operate-on-dag-runs.ts';

/** A clear of runs of a dag, and of what markers in them stand for in runs of other dags. */
export interface DagRunClear extends Omit<RunOperation, 'decide' | 'isDryRun'> {
  readonly options: ClearOptions;
  /** Hears what would become of each run, before anything is changed and again where it is decided anew. Refuses by throwing. */
  readonly inspect?: ((change: RunChange, run: FoundRun, stored: StoredDagRun) => void) | undefined;
}

/** A clear that was thought through to its end, and of which nothing is written. */
export interface PlannedClear {
  /** What it would do, each run once: first those that were asked for, then those that markers lead to. */
  readonly operated: readonly OperatedRun[];
  readonly operations: readonly RunOperation[];
}

/** Clears the runs, and what markers in them stand for. See `planDagRunClear` and `carryOutClear`. */
export async function clearDagRuns(context: OperationContext, clear: DagRunClear): Promise<readonly OperatedRun[]> {
  return carryOutClear(context, await planDagRunClear(context, clear));
}

/**
 * Follows markers from run to run: each leads to the run of its dag that has the same logical date, to its task there and everything below. A run without a logical date leads nowhere, and neither
 * does a marker of a run that there is not. Each marker of a run is followed once, so a circle ends.
 *
 * @throws TradewindError `bad_request` where more markers follow each other than the first of them allows, naming them; otherwise as `operateOnDagRuns`
 */
export async function planDagRunClear(context: OperationContext, clear: DagRunClear): Promise<PlannedClear> {
  const plan: Plan = { context, clear, roots: new Set(), marked: new Map(), reached: new Map(), followed: new Set(), operated: new Map() };
  let steps = await rehearse(plan, clear.selection, new Map());
  for (const id of plan.operated.keys()) plan.roots.add(id);
  while (steps.length > 0) {
    const next: Step[] = [];
    for (const [dagId, chains] of await reachRuns(plan, steps)) {
      next.push(...(await rehearse(plan, { dagId, ids: [...chains.keys()] }, chains)));
    }
    steps = next;
  }
  const operations = [...plan.reached].map(([dagId, ids]) => toOperation(plan, { dagId, ids: [...ids] }));
  return { operated: [...plan.operated.values()], operations: [toOperation(plan, clear.selection), ...operations] };
}

/**
 * Writes what was planned: first what was asked for, so that nothing that waits for it runs ahead. Where it fails half way, the runs before are changed, and the same clear
 * again does the rest.
 *
 * @throws TradewindError as `operateOnDagRuns`
 */
export async function carryOutClear(context: OperationContext, { operations }: PlannedClear): Promise<readonly OperatedRun[]> {
  const operated: OperatedRun[] = [];
  for (const operation of operations) operated.push(...(await operateOnDagRuns(context, operation)));
  return operated;
}

/** Markers that were followed one after the other, and how many may be. */
interface Chain {
  readonly markers: readonly { readonly dagId: string; readonly taskId: string }[];
  readonly limit: number;
}

/** A marker that is to be followed; its chain ends with it. */
interface Step {
  readonly chain: Chain;
  readonly target: TaskAtDate;
}

interface Plan {
  readonly context: OperationContext;
  readonly clear: DagRunClear;
  /** Ids of the runs that were asked for. */
  readonly roots: Set<string>;
  /** By id of a run, the tasks that markers stand for. */
  readonly marked: Map<string, Set<string>>;
  /** By dag, ids of the runs that are cleared for the sake of markers alone. */
  readonly reached: Map<string, Set<string>>;
  readonly followed: Set<string>;
  readonly operated: Map<string, OperatedRun>;
}

/** Notes what would become of these runs. Returns where their markers lead. */
async function rehearse(plan: Plan, selection: RunSelection, chains: ReadonlyMap<string, Chain>): Promise<readonly Step[]> {
  const steps: Step[] = [];
  const operation = toOperation(plan, selection);
  const rehearsed = await operateOnDagRuns(plan.context, {
    ...operation,
    isDryRun: true,
    decide(run, stored) {
      steps.push(
        ...followMarkers(plan, { stored, chain: chains.get(stored.id) }, findMarkers(run, optionsFor(plan, selection, stored.id))),
      );
      return operation.decide(run, stored);
    },
  });
  for (const each of rehearsed) plan.operated.set(each.run.id, each);
  return steps;
}

function followMarkers(
  { followed }: Plan,
  { stored, chain }: { readonly stored: StoredDagRun; readonly chain: Chain | undefined },
  markers: readonly Marker[],
): readonly Step[] {
  const { dagId, logicalAt } = stored;
  if (logicalAt === null) return [];
  const unfollowed = markers.filter(({ marker }) => !followed.has(`${stored.id} ${marker}`));
  return unfollowed.map(({ marker, recursionDepth, ...task }) => {
    followed.add(`${stored.id} ${marker}`);
    const longer = { markers: [...(chain?.markers ?? []), { dagId, taskId: marker }], limit: chain?.limit ?? recursionDepth };
    if (longer.markers.length > longer.limit) refuseChain(longer);
    return { chain: longer, target: { ...task, logicalAt } };
  });
}

function refuseChain({ markers, limit }: Chain): never {
  const names = markers.map(({ dagId, taskId }) => `'${taskId}' of dag '${dagId}'`);
  throw new TradewindError(
    'bad_request',
    `Nothing is cleared, because more than ${limit} markers follow each other: ${names.join(', ')}. Clear fewer tasks, or raise recursionDepth of ${names[0] ?? 'the first'}.`,
  );
}

/** Finds the runs that the steps lead to, by dag, each with the chain that reached it first. Those of which nothing more is meant than before are left out. */
async function reachRuns(plan: Plan, steps: readonly Step[]): Promise<ReadonlyMap<string, ReadonlyMap<string, Chain>>> {
  const [rows] = await plan.context.database.batch([selectRunsOfTasks(steps.map(({ target }) => target))]);
  const reached = new Map<string, Map<string, Chain>>();
  for (const { id, place } of rows) {
    const step = steps[place];
    if (step === undefined) continue;
    const { dagId, taskId } = step.target;
    const tasks = plan.marked.getOrInsertComputed(id, () => new Set<string>());
    if (tasks.has(taskId)) continue;
    tasks.add(taskId);
    if (!plan.roots.has(id)) plan.reached.getOrInsertComputed(dagId, () => new Set<string>()).add(id);
    const chains = reached.getOrInsertComputed(dagId, () => new Map<string, Chain>());
    if (!chains.has(id)) chains.set(id, step.chain);
  }
  return reached;
}

function toOperation(plan: Plan, selection: RunSelection): RunOperation {
  const { options: _, inspect, ...operation } = plan.clear;
  return {
    ...operation,
    selection,
    decide(run, stored) {
      const change = planClear(run, optionsFor(plan, selection, stored.id));
      inspect?.(change, run, stored);
      return change;
    },
  };
}

/** Of a run that only markers lead to, nothing is meant but what they stand for. */
function optionsFor({ clear, roots, marked }: Plan, selection: RunSelection, id: string): ClearOptions {
  const tasks = marked.get(id);
  const choices = tasks === undefined ? undefined : [...tasks].map((taskId) => ({ taskId }));
  if (selection === clear.selection || roots.has(id)) return { ...clear.options, marked: choices };
  return { ...clear.options, tasks: [], upstream: false, downstream: false, marked: choices };
}
