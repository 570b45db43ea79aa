import { assetNamesIn, assetScheduleOf, type SerializedDag, type SerializedTask } from '@tradewind/protocol';
import { MAX_EDGES_PER_DAG, MAX_TASKS_PER_DAG, serializedDagSchema } from '@tradewind/protocol/schemas';

/** A dag as it came from author code, checked: the scheduler may rely on everything that its type says, and on a graph without holes. */
export type CheckedDag = { readonly ok: true; readonly dag: SerializedDag } | { readonly ok: false; readonly problem: string };

/**
 * Checks a dag that a parse child sent. The problem names the dag, the place in it and what to do.
 * Every walk over the graph is a loop and none recurses, so a chain of 10,000 tasks is as good as any.
 */
export function checkDag(candidate: unknown): CheckedDag {
  const name = nameOf(candidate);
  const tooMany = findExcess(candidate);
  if (tooMany !== undefined) return { ok: false, problem: `${name}: ${tooMany}` };
  const parsed = serializedDagSchema.safeParse(candidate);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return { ok: false, problem: `${name}: ${placeOf(issue?.path ?? [], candidate)}${issue?.message ?? 'is not a dag'}` };
  }
  const problem = findGraphProblem(parsed.data) ?? findAssetProblem(parsed.data);
  return problem === undefined ? { ok: true, dag: parsed.data } : { ok: false, problem: `${name}: ${problem}` };
}

function nameOf(candidate: unknown): string {
  const dagId = (candidate as { dagId?: unknown } | null | undefined)?.dagId;
  return typeof dagId === 'string' ? `dag "${dagId.slice(0, 250)}"` : 'a dag without an id';
}

/** Before the schema, which would spend seconds on a million tasks to say the same. */
function findExcess(candidate: unknown): string | undefined {
  const tasks = (candidate as { tasks?: unknown } | null | undefined)?.tasks;
  if (!Array.isArray(tasks)) return undefined;
  if (tasks.length > MAX_TASKS_PER_DAG) {
    return `has ${tasks.length} tasks, and at most ${MAX_TASKS_PER_DAG} are taken; spread them over several dags`;
  }
  let edges = 0;
  for (const task of tasks as ({ upstream?: unknown } | null)[]) if (Array.isArray(task?.upstream)) edges += task.upstream.length;
  if (edges <= MAX_EDGES_PER_DAG) return undefined;
  return `has ${edges} edges, and at most ${MAX_EDGES_PER_DAG} are taken; put a task that only waits between the layers`;
}

/** The place of a fault as the author would look for it: `task "load", retries: `. */
function placeOf(path: readonly PropertyKey[], candidate: unknown): string {
  const [field, index, ...rest] = path;
  if (field !== 'tasks' || typeof index !== 'number') return path.length === 0 ? '' : `${path.map(String).join('.')}: `;
  const taskId = (candidate as { tasks: { taskId?: unknown }[] }).tasks[index]?.taskId;
  const task = typeof taskId === 'string' ? `task "${taskId.slice(0, 250)}"` : `task ${index + 1}`;
  return rest.length === 0 ? `${task}: ` : `${task}, ${rest.map(String).join('.')}: `;
}

function findGraphProblem({ tasks }: SerializedDag): string | undefined {
  const byId = new Map<string, SerializedTask>();
  for (const task of tasks) {
    if (byId.has(task.taskId)) return `two tasks have the id "${task.taskId}"; each needs its own`;
    byId.set(task.taskId, task);
  }
  for (const task of tasks) {
    const problem = findEdgeProblem(task, byId);
    if (problem !== undefined) return `task "${task.taskId}": ${problem}`;
  }
  return findCycle(tasks);
}

function findEdgeProblem({ upstream, inputs }: SerializedTask, byId: ReadonlyMap<string, SerializedTask>): string | undefined {
  const upstreamIds = new Set(upstream);
  const unknown = upstream.find((taskId) => !byId.has(taskId));
  if (unknown !== undefined) return `comes after "${unknown}", which is no task of the dag`;
  if (upstreamIds.size < upstream.length) return 'names the same upstream task twice';
  for (const [name, binding] of Object.entries(inputs)) {
    if (binding.kind === 'xcom' && !upstreamIds.has(binding.taskId)) {
      return `input "${name}" is the value of "${binding.taskId}", which is not upstream of it, so there may be none yet`;
    }
  }
  return undefined;
}

/** Takes away tasks without upstream until none is left (Kahn); what remains is on a cycle or behind one. */
function findCycle(tasks: readonly SerializedTask[]): string | undefined {
  const waiting = new Map(tasks.map((task) => [task.taskId, task.upstream.length]));
  const downstream = new Map<string, string[]>(tasks.map((task) => [task.taskId, []]));
  for (const task of tasks) for (const taskId of task.upstream) downstream.get(taskId)?.push(task.taskId);
  const free = tasks.filter((task) => task.upstream.length === 0).map((task) => task.taskId);
  for (let taskId = free.pop(); taskId !== undefined; taskId = free.pop()) {
    waiting.delete(taskId);
    for (const next of downstream.get(taskId) ?? []) {
      const left = (waiting.get(next) ?? 0) - 1;
      waiting.set(next, left);
      if (left === 0) free.push(next);
    }
  }
  return waiting.size === 0 ? undefined : `its tasks wait for each other in a circle: ${nameCycle(tasks, waiting)}`;
}

/** Walks upstream among the tasks that remain until one comes a second time. */
function nameCycle(tasks: readonly SerializedTask[], remaining: ReadonlyMap<string, number>): string {
  const byId = new Map(tasks.map((task) => [task.taskId, task]));
  const trail: string[] = [];
  let [taskId] = remaining.keys();
  while (taskId !== undefined && !trail.includes(taskId) && trail.length < MAX_NAMED_TASKS) {
    trail.push(taskId);
    taskId = byId.get(taskId)?.upstream.find((upstream) => remaining.has(upstream));
  }
  const start = taskId === undefined ? -1 : trail.indexOf(taskId);
  if (start === -1) return `${trail.toReversed().join(' → ')} → …`;
  return [taskId, ...trail.slice(start).toReversed()].join(' → ');
}

const MAX_NAMED_TASKS = 20;

function findAssetProblem({ assets, schedule, tasks }: SerializedDag): string | undefined {
  const names = new Set(assets.map((asset) => asset.name));
  if (names.size < assets.length) return 'two of its assets have the same name';
  const assetSchedule = assetScheduleOf(schedule);
  const waitedFor = assetSchedule && assetNamesIn(assetSchedule).find((name) => !names.has(name));
  if (waitedFor !== undefined) return `its schedule names the asset "${waitedFor}", which the dag does not describe`;
  for (const task of tasks) {
    const unknown = task.outlets.find((name) => !names.has(name));
    if (unknown !== undefined) return `task "${task.taskId}": its outlets name the asset "${unknown}", which the dag does not describe`;
  }
  return undefined;
}
