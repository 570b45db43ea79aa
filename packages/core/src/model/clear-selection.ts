import { reachableFrom, type GraphNode, type RunGraph } from '@tradewind/protocol';

/** A task that somebody named; without a map index all of its task instances. */
export interface TaskChoice {
  readonly taskId: string;
  readonly mapIndex?: number;
}

/** Which of the tasks around the named ones are meant, too. */
export interface Relatives {
  readonly upstream: boolean;
  readonly downstream: boolean;
}

/** By place of a task, the map indexes that are meant. */
export type SelectedTasks = ReadonlyMap<number, ReadonlySet<number> | 'all'>;

/** The named tasks and their relatives, and nothing else: what a mark means. A name that the graph does not have is left out. */
export function selectTasks(graph: RunGraph, choices: readonly TaskChoice[], relatives: Relatives): SelectedTasks {
  return select(graph, choices, (starts) => relativesOf(graph, starts, relatives));
}

/**
 * The named tasks, their relatives, and the setups and teardowns between which they work: what a clear means (Airflow's `partial_subset`). Without names every task.
 */
export function selectClearedTasks(graph: RunGraph, choices: readonly TaskChoice[] | undefined, relatives: Relatives): SelectedTasks {
  if (choices === undefined) return new Map(graph.nodes.map(({ index }) => [index, 'all']));
  return select(graph, choices, (starts) => withSetups(graph, starts, relatives));
}

/** What either selection means. */
export function unite(one: SelectedTasks, other: SelectedTasks): SelectedTasks {
  const united = new Map(one);
  for (const [place, indexes] of other) {
    const known = united.get(place);
    if (known === undefined || indexes === 'all') united.set(place, indexes);
    else if (known !== 'all') united.set(place, new Set([...known, ...indexes]));
  }
  return united;
}

/** A relative within the same mapped group is meant at the same map index, because there each index has a life of its own. */
function select(
  graph: RunGraph,
  choices: readonly TaskChoice[],
  relativesOfAll: (starts: ReadonlySet<number>) => ReadonlySet<number>,
): SelectedTasks {
  const selected = new Map<number, Set<number> | 'all'>();
  const add = (place: number, mapIndex: number | undefined): void => {
    const known = selected.get(place);
    if (mapIndex === undefined) selected.set(place, 'all');
    else if (known === undefined) selected.set(place, new Set([mapIndex]));
    else if (known !== 'all') known.add(mapIndex);
  };
  const places = choices.flatMap(({ taskId, mapIndex }) => {
    const place = graph.indexOf.get(taskId);
    return place === undefined ? [] : [{ place, mapIndex }];
  });
  const whole = new Set(places.flatMap(({ place, mapIndex }) => (mapIndex === undefined ? [place] : [])));
  for (const place of [...whole, ...relativesOfAll(whole)]) add(place, undefined);
  for (const [place, indexes] of Map.groupBy(places, (choice) => choice.place)) {
    const mapIndexes = indexes.flatMap(({ mapIndex }) => mapIndex ?? []);
    if (mapIndexes.length === 0) continue;
    for (const mapIndex of mapIndexes) add(place, mapIndex);
    for (const relative of relativesOfAll(new Set([place]))) {
      if (relative === place) continue;
      if (isInSameGroup(graph.nodes[place], graph.nodes[relative])) for (const mapIndex of mapIndexes) add(relative, mapIndex);
      else add(relative, undefined);
    }
  }
  return selected;
}

function isInSameGroup(one: GraphNode | undefined, other: GraphNode | undefined): boolean {
  return one?.scope?.kind === 'group' && one.scope === other?.scope;
}

function relativesOf(graph: RunGraph, starts: ReadonlySet<number>, { upstream, downstream }: Relatives): Set<number> {
  return new Set([...(upstream ? above(graph, starts) : []), ...(downstream ? below(graph, starts) : [])]);
}

function withSetups(graph: RunGraph, starts: ReadonlySet<number>, relatives: Relatives): Set<number> {
  const found = relativesOf(graph, starts, relatives);
  const isWork = (place: number): boolean => graph.nodes[place]?.task.role === undefined;
  const isSetup = (place: number): boolean => graph.nodes[place]?.task.role === 'setup';
  const addTeardowns = (setup: number): void => {
    for (const teardown of teardownsOf(graph, setup)) found.add(teardown);
  };
  const work = new Set<number>();
  if (relatives.downstream) for (const place of below(graph, starts)) if (isWork(place) && !starts.has(place)) work.add(place);
  if (relatives.upstream) for (const place of above(graph, starts)) if (isSetup(place)) addTeardowns(place);
  if (!relatives.upstream) for (const place of starts) if (isWork(place)) work.add(place);
  if (!relatives.downstream) for (const place of starts) if (isSetup(place)) addTeardowns(place);
  for (const setup of setupsAround(graph, work)) {
    found.add(setup);
    addTeardowns(setup);
  }
  return found;
}

/** The setups between whose making and taking away any of the tasks works. */
function setupsAround(graph: RunGraph, work: ReadonlySet<number>): Set<number> {
  const around = new Set<number>();
  const workedOn = new Map<number, ReadonlySet<number> | undefined>();
  for (const place of work) {
    const node = graph.nodes[place];
    for (const setup of node?.indirectSetups ?? []) around.add(setup);
    for (const setup of node?.upstream ?? []) {
      if (graph.nodes[setup]?.task.role !== 'setup') continue;
      if (!workedOn.has(setup)) workedOn.set(setup, beforeTeardowns(graph, setup));
      const before = workedOn.get(setup);
      if (before === undefined || before.has(place)) around.add(setup);
    }
  }
  return around;
}

/** Everything that comes before the teardowns of a setup; undefined where it has none. */
function beforeTeardowns(graph: RunGraph, setup: number): ReadonlySet<number> | undefined {
  const teardowns = teardownsOf(graph, setup);
  return teardowns.length === 0 ? undefined : above(graph, new Set(teardowns));
}

function teardownsOf(graph: RunGraph, setup: number): readonly number[] {
  const setupId = graph.nodes[setup]?.task.taskId ?? '';
  return graph.nodes.flatMap(({ task, index }) => (task.role === 'teardown' && (task.setups ?? []).includes(setupId) ? [index] : []));
}

function above(graph: RunGraph, starts: ReadonlySet<number>): Set<number> {
  return reachableFrom(starts, (place) => graph.nodes[place]?.upstream ?? []);
}

function below(graph: RunGraph, starts: ReadonlySet<number>): Set<number> {
  return reachableFrom(starts, (place) => graph.nodes[place]?.downstream ?? []);
}
