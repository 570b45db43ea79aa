import { z } from 'zod';
import { diffDagVersions } from '../../model/dag-version-diff.ts';
import { TradewindError } from '../../platform/errors.ts';
import type { Database } from '../../store/database.ts';
import { DAG_VERSION_ORDER, findDagVersion, listDagVersions, type DagVersionSummary } from '../../store/reads/dag-versions.ts';
import { writeInstant } from '../instants.ts';
import { integer, optional, pageQuery, query, readOrderBy, readPage, text } from '../query-schemas.ts';
import { apiRoute } from '../route.ts';
import { dagVersionResponse, readDagId } from './dag-runs.ts';

const policy = { kind: 'role', atLeast: 'viewer', resource: 'dag', action: 'read' } as const;
const dagPath = z.object({ dag_id: text });

/** Lists the versions of a dag, or of every dag (`~`). */
export const getDagVersions = apiRoute({
  operationId: 'get_dag_versions',
  method: 'GET',
  url: '/api/v2/dags/{dag_id}/dagVersions',
  policy,
  params: dagPath,
  query: z.object({ ...pageQuery, version_number: query.integer, bundle_name: query.text, bundle_version: query.text }),
  response: z.object({ dag_versions: z.array(dagVersionResponse), total_entries: z.int() }),
  async handler({ params, query: given }, { database }, { principal }) {
    const filter = {
      readable: principal.readableDags,
      dagId: await readDagId(database, params.dag_id),
      versionNumber: given.version_number,
      bundleName: given.bundle_name,
      bundleVersion: given.bundle_version,
    };
    const { rows, total } = await listDagVersions(database, filter, readPage(given), readOrderBy(given.order_by, DAG_VERSION_ORDER, 'id'));
    return { dag_versions: rows.map(toVersionResponse), total_entries: total };
  },
});

/** One version of a dag. */
export const getDagVersion = apiRoute({
  operationId: 'get_dag_version',
  method: 'GET',
  url: '/api/v2/dags/{dag_id}/dagVersions/{version_number}',
  policy,
  params: z.object({ dag_id: text, version_number: integer() }),
  response: dagVersionResponse,
  async handler({ params }, { database }) {
    const { version } = await requireVersion(database, params.dag_id, params.version_number);
    return toVersionResponse(version);
  },
});

/** A dag's definition as it was serialized, at its current version or a numbered one. */
export const getDagDefinition = apiRoute({
  operationId: 'get_dag_definition',
  method: 'GET',
  url: '/api/v2/tradewind/dags/{dag_id}/definition',
  policy,
  params: dagPath,
  query: z.object({ version_number: optional(integer({ minimum: 1 })) }),
  response: z.object({ version: versionDetails(), definition: z.looseObject({ dagId: z.string() }) }),
  async handler({ params, query: given }, { database }) {
    const { version, dag } = await requireVersion(database, params.dag_id, given.version_number);
    return { version: toDetails(version), definition: { ...dag } };
  },
});

/** The versions of a dag with what lists of ours show beside Airflow's fields. */
export const getVersionDetails = apiRoute({
  operationId: 'get_dag_version_details',
  method: 'GET',
  url: '/api/v2/tradewind/dags/{dag_id}/versions',
  policy,
  params: dagPath,
  query: z.object({ limit: pageQuery.limit, offset: pageQuery.offset }),
  response: z.object({ versions: z.array(versionDetails()), total_entries: z.int() }),
  async handler({ params, query: given }, { database }, { principal }) {
    const filter = { readable: principal.readableDags, dagId: await readDagId(database, params.dag_id) };
    const newestFirst = [{ attribute: 'version_number', descending: true }];
    const { rows, total } = await listDagVersions(database, filter, readPage(given), newestFirst);
    return { versions: rows.map(toDetails), total_entries: total };
  },
});

/** What is different between two versions of a dag. */
export const compareDagVersions = apiRoute({
  operationId: 'compare_dag_versions',
  method: 'GET',
  url: '/api/v2/tradewind/dags/{dag_id}/versions/{version_number}/changes',
  policy,
  params: z.object({ dag_id: text, version_number: integer({ minimum: 1 }) }),
  query: z.object({ since: optional(integer({ minimum: 1 })) }),
  response: z.object({
    before: versionDetails(),
    after: versionDetails(),
    options: z.array(valueChange()),
    added_tasks: z.array(z.string()),
    removed_tasks: z.array(z.string()),
    changed_tasks: z.array(z.object({ task_id: z.string(), options: z.array(valueChange()) })),
    added_edges: z.array(edge()),
    removed_edges: z.array(edge()),
    assets: namedChanges(),
    groups: namedChanges(),
  }),
  async handler({ params, query: given }, { database }) {
    const after = await requireVersion(database, params.dag_id, params.version_number);
    const before = await requireVersion(database, params.dag_id, given.since ?? (await versionBefore(database, after.version)));
    const diff = diffDagVersions(before.dag, after.dag);
    return {
      before: toDetails(before.version),
      after: toDetails(after.version),
      options: [...diff.options],
      added_tasks: [...diff.addedTasks],
      removed_tasks: [...diff.removedTasks],
      changed_tasks: diff.changedTasks.map(({ taskId, options }) => ({ task_id: taskId, options: [...options] })),
      added_edges: [...diff.addedEdges],
      removed_edges: [...diff.removedEdges],
      assets: copyOf(diff.assets),
      groups: copyOf(diff.groups),
    };
  },
});

function versionDetails() {
  return z.object({
    version_number: z.int(),
    created_at: z.string(),
    bundle_name: z.string(),
    bundle_version: z.string(),
    relative_fileloc: z.string(),
    is_current: z.boolean(),
    runs: z.int(),
  });
}

function valueChange() {
  return z.object({ name: z.string(), before: z.unknown(), after: z.unknown() });
}

function edge() {
  return z.object({ from: z.string(), to: z.string() });
}

function namedChanges() {
  return z.object({ added: z.array(z.string()), removed: z.array(z.string()), changed: z.array(z.string()) });
}

function copyOf({ added, removed, changed }: { added: readonly string[]; removed: readonly string[]; changed: readonly string[] }) {
  return { added: [...added], removed: [...removed], changed: [...changed] };
}

/** @throws TradewindError `not_found` */
async function requireVersion(database: Database, dagId: string, versionNumber: number | undefined) {
  const found = await findDagVersion(database, dagId, versionNumber);
  if (found !== undefined) return found;
  const which = versionNumber === undefined ? '' : ` and version_number: \`${versionNumber}\``;
  throw new TradewindError('not_found', `The DagVersion with dag_id: \`${dagId}\`${which} was not found`);
}

/** Numbers have gaps: versions that nothing is on are dropped (adr/0017). */
async function versionBefore(database: Database, { dagId, versionNumber }: DagVersionSummary): Promise<number> {
  const newestFirst = [{ attribute: 'version_number', descending: true }];
  const filter = { readable: 'all', dagId, belowNumber: versionNumber } as const;
  const [earlier] = (await listDagVersions(database, filter, { limit: 1, offset: 0 }, newestFirst)).rows;
  if (earlier !== undefined) return earlier.versionNumber;
  throw new TradewindError('not_found', `The dag \`${dagId}\` has no version before ${versionNumber}; name the one to compare with`);
}

/** A version as Airflow shows it. */
export function toVersionResponse(version: DagVersionSummary): z.input<typeof dagVersionResponse> {
  return {
    id: version.id,
    version_number: version.versionNumber,
    dag_id: version.dagId,
    bundle_name: version.bundleName,
    bundle_version: version.bundleVersion,
    created_at: writeInstant(version.createdAt),
    dag_display_name: version.dagDisplayName,
    bundle_url: null,
  };
}

function toDetails(version: DagVersionSummary) {
  return {
    version_number: version.versionNumber,
    created_at: writeInstant(version.createdAt),
    bundle_name: version.bundleName,
    bundle_version: version.bundleVersion,
    relative_fileloc: version.file,
    is_current: version.isCurrent,
    runs: version.runs,
  };
}
