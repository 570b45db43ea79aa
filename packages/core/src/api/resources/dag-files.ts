import { z } from 'zod';
import { readBundleFile } from '../../model/bundle-file.ts';
import { TradewindError } from '../../platform/errors.ts';
import { listDagFiles } from '../../store/reads/dag-files.ts';
import { findDagVersion } from '../../store/reads/dag-versions.ts';
import { deleteWithValues } from '../../store/sweep-values.ts';
import { deleteDag as deleteDagRows } from '../../store/transitions/delete-dag.ts';
import type { ApiParts, DagFilesPort } from '../api-parts.ts';
import { writeInstant } from '../instants.ts';
import { integer, optional, text } from '../query-schemas.ts';
import { apiRoute, streamRoute, type Reply } from '../route.ts';

const dagPath = z.object({ dag_id: text });

/** Takes a dag away with its versions and runs. Where a file still defines it, it comes back, new. */
export const deleteDag = apiRoute({
  operationId: 'delete_dag',
  method: 'DELETE',
  url: '/api/v2/dags/{dag_id}',
  policy: { kind: 'role', atLeast: 'op', resource: 'dag', action: 'end' },
  params: dagPath,
  response: z.object({}),
  async handler({ params }, { database, clock, wake, dagFiles, largeValues }) {
    const deleted = await deleteWithValues(database, largeValues?.store, () => deleteDagRows(database, params.dag_id, clock.now()));
    if (deleted.outcome === 'not_found') throw new TradewindError('not_found', `Dag with id: ${params.dag_id} not found`);
    if (deleted.outcome === 'runs_not_ended') {
      const advice = 'wait until they have ended, or give them a verdict, and delete it then';
      throw new TradewindError('conflict', `The Dag \`${params.dag_id}\` has runs that have not ended: ${advice}`);
    }
    wake();
    await dagFiles?.reread([deleted.file]);
    return {};
  },
});

/** The text of the file that defines a dag, at its current version or a numbered one. */
export const getDagSource = streamRoute({
  operationId: 'get_dag_source',
  method: 'GET',
  url: '/api/v2/dagSources/{dag_id}',
  policy: { kind: 'role', atLeast: 'viewer', resource: 'dag', action: 'read' },
  params: dagPath,
  query: z.object({ version_number: optional(integer({ minimum: 1 })) }),
  async handler({ params, query }, parts, { accept }): Promise<Reply> {
    const found = await findDagVersion(parts.database, params.dag_id, query.version_number);
    const content =
      found === undefined ? undefined : await requireDagFiles(parts).readSource(found.version.place, found.version.sourceVersion);
    if (found === undefined || content === undefined) {
      const which = query.version_number === undefined ? '' : ` at version ${query.version_number}`;
      throw new TradewindError('not_found', `The source code of the DAG ${params.dag_id}${which} was not found`);
    }
    if (accept.includes('text/plain')) return { kind: 'file', contentType: 'text/plain; charset=utf-8', body: content, headers: {} };
    const { dagId, versionNumber, dagDisplayName } = found.version;
    const body = { content, dag_id: dagId, version_number: versionNumber, dag_display_name: dagDisplayName };
    return { kind: 'json', status: 200, body };
  },
});

/** Has one dag file read again although it has not changed. */
export const reparseDagFile = apiRoute({
  operationId: 'reparse_dag_file',
  method: 'PUT',
  url: '/api/v2/parseDagFile/{file_token}',
  policy: { kind: 'role', atLeast: 'op', resource: 'dag', action: 'edit' },
  params: z.object({ file_token: text }),
  status: 201,
  response: z.null(),
  async handler({ params }, parts) {
    const file = readFileToken(params.file_token);
    const { bundleName, file: relative } = readBundleFile(file);
    const isKnown = (await listDagFiles(parts.database)).some((known) => known.bundleName === bundleName && known.file === relative);
    if (!isKnown) throw new TradewindError('not_found', 'File not found: take the `file_token` of a Dag');
    await requireDagFiles(parts).reread([file]);
    return null;
  },
});

/** Has every dag file read again; answers when their dags are saved. */
export const reserializeDags = apiRoute({
  operationId: 'reserialize_dags',
  method: 'POST',
  url: '/api/v2/tradewind/dagFiles/reread',
  policy: { kind: 'role', atLeast: 'op', resource: 'dag', action: 'edit' },
  response: reportResponse(),
  async handler(_input, parts) {
    await requireDagFiles(parts).reread();
    return report(parts);
  },
});

/** What the reading of each dag file gave and cost, the slowest first. */
export const getDagFiles = apiRoute({
  operationId: 'get_dag_files',
  method: 'GET',
  url: '/api/v2/tradewind/dagFiles',
  policy: { kind: 'role', atLeast: 'op', resource: 'dag', action: 'read' },
  response: reportResponse(),
  handler: (_input, parts) => report(parts),
});

function reportResponse() {
  const file = z.object({
    bundle_name: z.string(),
    file: z.string(),
    last_parsed_time: z.string(),
    duration: z.number().nullable(),
    dag_ids: z.array(z.string()),
    task_count: z.int(),
    warnings: z.array(z.string()),
    import_error: z.string().nullable(),
  });
  return z.object({ files: z.array(file) });
}

async function report({ database }: ApiParts): Promise<z.input<ReturnType<typeof reportResponse>>> {
  const files = await listDagFiles(database);
  return {
    files: files.map((file) => ({
      bundle_name: file.bundleName,
      file: file.file,
      last_parsed_time: writeInstant(file.parsedAt),
      duration: file.parseMs === null ? null : file.parseMs / 1_000,
      dag_ids: [...file.dagIds],
      task_count: file.tasks,
      warnings: [...file.warnings],
      import_error: file.importError,
    })),
  };
}

/** Names a file for `PUT /parseDagFile`: its place in disguise, nothing secret. */
export function writeFileToken(place: string): string {
  return Buffer.from(place).toString('base64url');
}

function readFileToken(token: string): string {
  return Buffer.from(token, 'base64url').toString('utf8');
}

/** @throws TradewindError `conflict` where nothing reads dag files */
function requireDagFiles({ dagFiles }: ApiParts): DagFilesPort {
  if (dagFiles !== undefined) return dagFiles;
  throw new TradewindError('conflict', 'This process does not read dag files: ask the one that does');
}
