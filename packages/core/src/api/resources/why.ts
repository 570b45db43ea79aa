import { z } from 'zod';
import { findFailedDependencies } from '../../model/failed-deps.ts';
import { explainDag, explainRun, explainTaskInstance, type Explanation } from '../../model/why.ts';
import type { DagFacts, TaskFacts } from '../../model/why-facts.ts';
import { TradewindError } from '../../platform/errors.ts';
import { findDag } from '../../store/reads/dags.ts';
import type { ReadableDags } from '../../store/reads/query-parts.ts';
import { findTaskInstance, type TaskInstanceName } from '../../store/reads/task-instances.ts';
import { readDagFacts, readRunFacts, readTaskFacts } from '../../store/reads/why-facts.ts';
import type { ApiParts } from '../api-parts.ts';
import { integer, optional, text } from '../query-schemas.ts';
import { apiRoute, type Route } from '../route.ts';
import { requireDagRun } from './dag-runs.ts';
import { requireTaskInstance } from './task-instances.ts';

const explanation = z.object({
  /** The first thing that keeps it from running, or how it ended. */
  sentence: z.string(),
  /** Everything that must hold, in the order in which it is asked. */
  gates: z.array(z.object({ kind: z.string(), is_met: z.boolean(), text: z.string() })),
});

const dependencies = z.object({ dependencies: z.array(z.object({ name: z.string(), reason: z.string() })) });

const WHY_URL = '/api/v2/tradewind/dags/{dag_id}';
const TASK_URL = '/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}';
const taskParams = { dag_id: text, dag_run_id: text, task_id: text };
const mapIndexQuery = z.object({ map_index: optional(integer({ minimum: -1 })) });

/** Says when a dag will run next, or what keeps it from it. */
export const explainDagRoute = apiRoute({
  ...readRoute('explain_dag', `${WHY_URL}/why`, 'dag'),
  params: z.object({ dag_id: text }),
  response: explanation,
  async handler({ params }, parts) {
    return toResponse(explainDag(await requireFacts(parts, params.dag_id)));
  },
});

/** Says why a run has not started, or how it ended. */
export const explainDagRunRoute = apiRoute({
  ...readRoute('explain_dag_run', `${WHY_URL}/dagRuns/{dag_run_id}/why`, 'dag run'),
  params: z.object({ dag_id: text, dag_run_id: text }),
  response: explanation,
  async handler({ params }, parts) {
    const run = await requireDagRun(parts.database, params.dag_id, params.dag_run_id);
    return toResponse(explainRun(await requireFacts(parts, params.dag_id), await readRunFacts(parts.database, run)));
  },
});

/** Says why a task instance does not run, also in a run that has not started. */
export const explainTaskInstanceRoute = apiRoute({
  ...readRoute('explain_task_instance', `${WHY_URL}/dagRuns/{dag_run_id}/taskInstances/{task_id}/why`, 'task instance'),
  params: z.object(taskParams),
  query: mapIndexQuery,
  response: explanation,
  async handler({ params, query }, parts, { principal }) {
    const name = nameOf({ ...params, map_index: query.map_index ?? -1 });
    return toResponse(explainTaskInstance(await requireTaskFacts(parts, name, principal.readableDags)));
  },
});

/** What keeps a task instance from being scheduled, in Airflow's words. */
export const getTaskInstanceDependencies = apiRoute({
  ...readRoute('get_task_instance_dependencies', `${TASK_URL}/dependencies`, 'task instance'),
  params: z.object(taskParams),
  query: mapIndexQuery,
  response: dependencies,
  handler: ({ params, query }, parts, { principal }) =>
    readDependencies(parts, nameOf({ ...params, map_index: query.map_index ?? -1 }), principal.readableDags),
});

/** The same for one task instance of a mapped task. */
export const getMappedTaskInstanceDependencies = apiRoute({
  ...readRoute('get_task_instance_dependencies_by_map_index', `${TASK_URL}/{map_index}/dependencies`, 'task instance'),
  params: z.object({ ...taskParams, map_index: integer({ minimum: -1 }) }),
  response: dependencies,
  handler: ({ params }, parts, { principal }) => readDependencies(parts, nameOf(params), principal.readableDags),
});

function readRoute(operationId: string, url: string, resource: 'dag' | 'dag run' | 'task instance') {
  const policy: Route['policy'] = { kind: 'role', atLeast: 'viewer', resource, action: 'read' };
  return { operationId, method: 'GET', url, policy } as const;
}

function nameOf(path: {
  readonly dag_id: string;
  readonly dag_run_id: string;
  readonly task_id: string;
  readonly map_index: number;
}): TaskInstanceName {
  return { dagId: path.dag_id, runId: path.dag_run_id, taskId: path.task_id, mapIndex: path.map_index };
}

async function requireFacts({ database, clock }: ApiParts, dagId: string): Promise<DagFacts> {
  const dag = await findDag(database, dagId);
  if (dag === undefined) throw new TradewindError('not_found', `The Dag with ID: \`${dagId}\` was not found`);
  return readDagFacts(database, dag, clock.now());
}

async function requireTaskFacts(parts: ApiParts, name: TaskInstanceName, readable: ReadableDags): Promise<TaskFacts> {
  const { database } = parts;
  const run = await requireDagRun(database, name.dagId, name.runId);
  const [dag, instance] = await Promise.all([requireFacts(parts, name.dagId), findTaskInstance(database, name)]);
  const facts = await readTaskFacts(database, dag, { run, taskId: name.taskId, mapIndex: name.mapIndex, instance, readable });
  if (facts !== undefined && (instance !== undefined || name.mapIndex === -1)) return facts;
  throw new TradewindError(
    'not_found',
    `Run '${name.runId}' of dag '${name.dagId}' has no task '${name.taskId}' with map index ${name.mapIndex}`,
  );
}

async function readDependencies(parts: ApiParts, name: TaskInstanceName, readable: ReadableDags): Promise<z.input<typeof dependencies>> {
  await requireTaskInstance(parts.database, name);
  return { dependencies: [...findFailedDependencies(await requireTaskFacts(parts, name, readable))] };
}

function toResponse({ sentence, gates }: Explanation): z.input<typeof explanation> {
  return { sentence, gates: gates.map(({ kind, isMet, text: words }) => ({ kind, is_met: isMet, text: words })) };
}
