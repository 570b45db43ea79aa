import {
  compileGraph,
  decideRunOutcome,
  decideSkips,
  expandSources,
  type ExpandedSources,
  type GraphNode,
  type JsonObject,
  type JsonValue,
  type MappedScope,
  type RunGraph,
} from '@tradewind/protocol';
import type { TaskInstanceResult } from './dag-run-result.ts';
import { decideTask, type TaskDecision } from './decide-task.ts';
import type { PreparedRun } from './prepare-run.ts';
import { runInstance, untried } from './run-task.ts';

/** The results of a run, by place in its graph: one for each task instance, a single one with map index -1 for a task that is not mapped. */
export type InstanceResults = ReadonlyMap<number, readonly TaskInstanceResult[]>;

/** A run while its tasks are walked through. */
interface Walk {
  readonly run: PreparedRun;
  readonly graph: RunGraph;
  readonly results: Map<number, readonly TaskInstanceResult[]>;
  /** What choices skipped: by place, the map indices, or -1 for all of them. */
  readonly skipped: Map<number, Set<number>>;
  readonly expanded: Map<MappedScope, ExpandedSources | undefined>;
  /** Set by the first failure of a dag with `failFast`. */
  isHalted: boolean;
}

/** Runs the tasks one after the other, each after those above it, by the rules that the scheduler follows, too. */
export async function walkGraph(run: PreparedRun): Promise<{ readonly results: InstanceResults; readonly state: 'success' | 'failed' }> {
  const { serialized } = run.dag;
  const walk: Walk = {
    run,
    graph: compileGraph(serialized),
    results: new Map(),
    skipped: new Map(),
    expanded: new Map(),
    isHalted: false,
  };
  for (const node of walk.graph.nodes) {
    const results: TaskInstanceResult[] = [];
    for (const mapIndex of indicesOf(walk, node)) {
      const result = await runOrSettle(walk, node, mapIndex);
      if (result.decision !== undefined) noteSkips(walk, node, result);
      if (result.state === 'failed' && serialized.failFast === true) walk.isHalted = true;
      results.push(result);
    }
    walk.results.set(node.index, results);
  }
  const outcome = decideRunOutcome(walk.graph, (place) => (walk.results.get(place) ?? []).map(({ state }) => state));
  return { results: walk.results, state: walk.isHalted ? 'failed' : outcome };
}

/** The map indices that a task has: those of what it is expanded over, or -1 where it stands alone. */
function indicesOf(walk: Walk, { scope }: GraphNode): readonly number[] {
  if (scope === undefined) return [-1];
  if (!walk.expanded.has(scope)) walk.expanded.set(scope, expand(walk, scope));
  const expanded = walk.expanded.get(scope);
  return expanded?.ok === true && expanded.length > 0 ? Array.from({ length: expanded.length }, (_, index) => index) : [-1];
}

/** What a scope is expanded over; undefined where what it runs over did not succeed. */
function expand({ graph, results }: Walk, { expansion, sources }: MappedScope): ExpandedSources | undefined {
  const hasValues = sources.every((place) => results.get(place)?.some(({ state }) => state === 'success'));
  return hasValues ? expandSources(expansion, (taskId) => valueOf(results, graph.indexOf.get(taskId) ?? -1, graph) ?? null) : undefined;
}

async function runOrSettle(walk: Walk, node: GraphNode, mapIndex: number): Promise<TaskInstanceResult> {
  const decision = decide(walk, node, mapIndex);
  if (decision !== 'run') return untried(decision, mapIndex);
  const expanded = node.scope === undefined ? undefined : walk.expanded.get(node.scope);
  if (node.scope !== undefined && mapIndex === -1) return unexpanded(expanded);
  const element = expanded?.ok === true ? expanded.inputsOf(mapIndex) : {};
  const counted = expanded?.ok === true ? { expandedCount: expanded.length } : {};
  return runInstance(walk.run, { task: node.task, mapIndex, ...counted, inputs: readInputs(walk, node, { mapIndex, element }) });
}

/** A mapped task that has nothing to run over. */
function unexpanded(expanded: ExpandedSources | undefined): TaskInstanceResult {
  if (expanded === undefined) return untried('upstream_failed', -1);
  if (expanded.ok) return untried('skipped', -1);
  return { ...untried('failed', -1), error: { kind: 'bad_value', message: `the task could not be mapped: ${expanded.problem}` } };
}

function decide(walk: Walk, node: GraphNode, mapIndex: number): TaskDecision {
  const isTeardown = node.task.role === 'teardown';
  if (walk.isHalted && !isTeardown) return 'skipped';
  const skipped = walk.skipped.get(node.index);
  if (skipped?.has(mapIndex) === true || skipped?.has(-1) === true) return 'skipped';
  const states = (places: readonly number[]): TaskInstanceResult['state'][] =>
    places.flatMap((place) => statesSeen(walk, place, node.inner.includes(place) ? mapIndex : undefined));
  if (!isTeardown) {
    const behindSetups = decideTask('all_success', states(node.indirectSetups));
    if (behindSetups !== 'run') return behindSetups;
  }
  return decideTask(node.task.triggerRule, states(node.upstream), states(node.setups));
}

/** How a task above ended: at one map index where both are in one mapped group, else at all of them. */
function statesSeen({ results }: Walk, place: number, mapIndex: number | undefined): TaskInstanceResult['state'][] {
  const instances = results.get(place) ?? [];
  return instances.filter((instance) => mapIndex === undefined || instance.mapIndex === mapIndex).map(({ state }) => state);
}

/** What a task chose not to follow, at its own map index where what follows is in the same mapped group. */
function noteSkips({ graph, skipped }: Walk, node: GraphNode, { decision, mapIndex }: TaskInstanceResult): void {
  if (decision === undefined) return;
  for (const place of decideSkips(graph, node.index, decision)) {
    const isInner = node.scope !== undefined && graph.nodes[place]?.scope === node.scope;
    const indices = skipped.get(place) ?? new Set();
    indices.add(isInner ? mapIndex : -1);
    skipped.set(place, indices);
  }
}

interface Element {
  readonly mapIndex: number;
  readonly element: JsonObject;
}

function readInputs(walk: Walk, node: GraphNode, { mapIndex, element }: Element): Readonly<Record<string, JsonValue | undefined>> {
  const { graph, results } = walk;
  const bound = Object.entries(node.task.inputs).map(([name, binding]) => {
    switch (binding.kind) {
      case 'literal':
        return [name, binding.value] as const;
      case 'expanded':
        return [name, element[binding.name]] as const;
      case 'xcom': {
        const place = graph.indexOf.get(binding.taskId) ?? -1;
        const isInner = node.inner.includes(place);
        const own = results.get(place)?.find((instance) => instance.mapIndex === mapIndex)?.value;
        return [name, isInner ? own : valueOf(results, place, graph)] as const;
      }
    }
  });
  return { ...(node.task.expand === undefined ? {} : element), ...Object.fromEntries(bound) };
}

/** What tasks below receive of a task: its value, or the list of the values of its task instances. Undefined where none succeeded. */
export function valueOf(results: InstanceResults, place: number, graph: RunGraph): JsonValue | undefined {
  const instances = (results.get(place) ?? []).filter(({ state }) => state === 'success');
  if (graph.nodes[place]?.scope === undefined) return instances[0]?.value;
  return instances.length === 0 ? undefined : instances.map(({ value }) => value ?? null);
}
