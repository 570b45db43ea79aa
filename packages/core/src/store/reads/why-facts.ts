import { compileGraph, decodeJson, type Deferral, type RunGraph, type SerializedDag, type TryDecision } from '@tradewind/protocol';
import { sql, type SqlBool } from 'kysely';
import type { AskedInstance, DagFacts, InstanceFacts, PastFacts, PoolFacts, RunFacts, TaskFacts } from '../../model/why-facts.ts';
import type { Database } from '../database.ts';
import { selectPastVerdicts } from '../past-task-instances.ts';
import { findDagDefinition, type DagSummary } from './dags.ts';
import { findDagRun, type DagRunSummary } from './dag-runs.ts';
import { readHeartbeats } from './health.ts';
import { findPool, listSlotHolders } from './pools.ts';
import { column, type ReadableDags } from './query-parts.ts';
import type { TaskInstanceSummary } from './task-instances.ts';

/** So many are named; of the others it is enough to know how many there are. */
const MOST_NAMED = 10;

/** What decides when a dag runs. */
export async function readDagFacts(database: Database, dag: DagSummary, now: number): Promise<DagFacts> {
  const heartbeats = await readHeartbeats(database);
  return {
    now,
    dagId: dag.dagId,
    isPaused: dag.isPaused,
    isStale: dag.isStale,
    hasImportErrors: dag.hasImportErrors,
    maxActiveRuns: dag.maxActiveRuns,
    schedule: dag.scheduleSummary,
    nextRunAt: dag.nextRunAt,
    schedulerSeenAt: heartbeats.find(({ kind }) => kind === 'scheduler')?.liveAt ?? null,
  };
}

/** What decides when a run starts, or how it ended. */
export async function readRunFacts(database: Database, run: DagRunSummary): Promise<RunFacts> {
  const row = await database.reads.selectFrom('dagRun').select(['backfillId', 'endReason']).where('id', '=', run.id).executeTakeFirst();
  const backfillId = row?.backfillId ?? null;
  const isOfSameLimit = sql<SqlBool>`${column('dagRun.backfillId')} is not distinct from ${sql.lit(backfillId)}`;
  const ofDag = database.reads.selectFrom('dagRun').where('dagId', '=', run.dagId).where(isOfSameLimit);
  const [running, ahead, backfill] = await Promise.all([
    ofDag.select('runId').where('state', '=', 'running').orderBy('runAfterAt').orderBy('id').execute(),
    ofDag
      .select(sql<number>`count(*)`.as('count'))
      .where('state', '=', 'queued')
      .where(sql<SqlBool>`(${column('dagRun.runAfterAt')}, ${column('dagRun.id')}) < (${run.runAfterAt}, ${run.id})`)
      .executeTakeFirst(),
    backfillId === null
      ? undefined
      : database.reads.selectFrom('backfill').select(['isPaused', 'maxActiveRuns']).where('id', '=', backfillId).executeTakeFirst(),
  ]);
  return {
    runId: run.runId,
    state: run.state,
    runAfterAt: run.runAfterAt,
    startedAt: run.startedAt,
    endedAt: run.endedAt,
    endReason: row?.endReason ?? null,
    runningRuns: running.map(({ runId }) => runId),
    runsAhead: ahead?.count ?? 0,
    ...(backfill === undefined ? {} : { backfill: { isPaused: backfill.isPaused === 1, maxActiveRuns: backfill.maxActiveRuns } }),
  };
}

/** What is asked about: a task of a run, and the task instance where there is one already. */
export interface AskedTask {
  readonly run: DagRunSummary;
  readonly taskId: string;
  readonly mapIndex: number;
  readonly instance: TaskInstanceSummary | undefined;
  /** Dags whose names the answer may hold. */
  readonly readable: ReadableDags;
}

/** What decides whether a task instance runs; undefined where the version of the run does not have the task. */
export async function readTaskFacts(database: Database, dag: DagFacts, asked: AskedTask): Promise<TaskFacts | undefined> {
  const { run, taskId } = asked;
  const definition = await findDagDefinition(database, run.dagId, run.dagVersion.id);
  const graph = definition === undefined ? undefined : compileGraph(definition);
  if (graph === undefined || (!graph.indexOf.has(taskId) && asked.instance === undefined)) return undefined;
  const instance = await readAsked(database, graph, asked);
  const [facts, instances, pool, past, busyInDag, busyInEnvironment] = await Promise.all([
    readRunFacts(database, run),
    readInstances(database, run.id),
    readPool(database, instance.pool, asked.readable),
    readPast(database, graph, asked),
    countBusy(database, { dagId: run.dagId, taskId }),
    countBusy(database),
  ]);
  return { dag, run: facts, graph, instances, asked: instance, pool, past, busyInDag, busyInEnvironment };
}

async function readInstances(database: Database, dagRunId: string): Promise<readonly InstanceFacts[]> {
  const rows = await database.reads
    .selectFrom('taskInstance')
    .select(['taskId', 'mapIndex', 'state', 'decision'])
    .where('dagRunId', '=', dagRunId)
    .orderBy('taskId')
    .orderBy('mapIndex')
    .execute();
  return rows.map((row) => ({ ...row, decision: row.decision === null ? null : (decodeJson(row.decision) as unknown as TryDecision) }));
}

/** A run that has not started has no task instances yet: they will be as the definition says. */
async function readAsked(database: Database, graph: RunGraph, { instance, taskId, mapIndex }: AskedTask): Promise<AskedInstance> {
  const node = graph.nodes[graph.indexOf.get(taskId) ?? -1];
  if (instance === undefined) {
    return {
      taskId,
      mapIndex,
      state: 'none',
      decision: null,
      tryNumber: 0,
      maxTries: (node?.task.retries ?? 0) + 1,
      queuedAt: null,
      startedAt: null,
      endedAt: null,
      retryAt: null,
      failure: null,
      deferral: null,
      pool: node?.task.pool ?? 'default_pool',
      poolSlots: node?.task.poolSlots ?? 1,
    };
  }
  const row = await database.reads.selectFrom('taskInstance').select('deferral').where('id', '=', instance.id).executeTakeFirst();
  const deferral = row?.deferral ?? null;
  return { ...instance, decision: null, deferral: deferral === null ? null : (decodeJson(deferral) as unknown as Deferral) };
}

async function readPool(database: Database, name: string, readable: ReadableDags): Promise<PoolFacts | undefined> {
  const [pool, holders] = await Promise.all([findPool(database, name), listSlotHolders(database, name, MOST_NAMED)]);
  if (pool === undefined) return undefined;
  const { slots, runningSlots, queuedSlots, deferredSlots, includeDeferred } = pool;
  return {
    slots,
    occupied: runningSlots + queuedSlots + (includeDeferred ? deferredSlots : 0),
    holders: holders.map(({ dagId, taskId, mapIndex, runId, poolSlots }) => {
      if (readable !== 'all' && !readable.includes(dagId)) return 'a task of a dag that you may not read';
      const index = mapIndex === -1 ? '' : `[${mapIndex}]`;
      return `${dagId}.${taskId}${index} of ${runId}${poolSlots === 1 ? '' : ` (${poolSlots})`}`;
    }),
  };
}

/** The verdict is the scheduler's own; the run before is looked up beside it, to be named. */
async function readPast(database: Database, graph: RunGraph, { run, taskId, instance }: AskedTask): Promise<PastFacts | undefined> {
  const node = graph.nodes[graph.indexOf.get(taskId) ?? -1];
  if (node === undefined || (node.task.dependsOnPast !== true && node.task.waitForDownstream !== true)) return undefined;
  const downstream = node.task.waitForDownstream === true ? node.downstream.flatMap((place) => graph.nodes[place]?.task.taskId ?? []) : [];
  const question = {
    id: instance?.id ?? '',
    dagRunId: run.id,
    taskId,
    onlyScheduled: graph.dag.catchup,
    ignoreFirst: node.task.ignoreFirstDependsOnPast === true,
    downstream,
  };
  const [[verdict]] = await database.batch([selectPastVerdicts([question])]);
  const before = await findRunBefore(database, run, graph.dag);
  if (before === undefined) return { isMet: verdict?.met === 1, states: [] };
  const rows = await database.reads
    .selectFrom('taskInstance')
    .select('state')
    .where('dagRunId', '=', before.id)
    .where('taskId', 'in', [taskId, ...downstream])
    .execute();
  return { isMet: verdict?.met === 1, runId: before.runId, states: rows.map(({ state }) => state) };
}

async function findRunBefore(
  database: Database,
  { dagId, runId, logicalAt }: DagRunSummary,
  { catchup }: SerializedDag,
): Promise<DagRunSummary | undefined> {
  if (logicalAt === null) return undefined;
  let before = database.reads
    .selectFrom('dagRun')
    .select('runId')
    .where('dagId', '=', dagId)
    .where('logicalAt', '<', logicalAt)
    .where('runId', '<>', runId);
  if (catchup) before = before.where('runType', 'in', ['scheduled', 'backfill']);
  const row = await before.orderBy('logicalAt', 'desc').limit(1).executeTakeFirst();
  return row === undefined ? undefined : findDagRun(database, dagId, row.runId);
}

async function countBusy(database: Database, task?: { readonly dagId: string; readonly taskId: string }): Promise<number> {
  let busy = database.reads.selectFrom('taskInstance').select(sql<number>`count(*)`.as('count'));
  if (task !== undefined) busy = busy.where('dagId', '=', task.dagId).where('taskId', '=', task.taskId);
  const row = await busy.where(sql<SqlBool>`${column('taskInstance.state')} in ('queued', 'running')`).executeTakeFirst();
  return row?.count ?? 0;
}
