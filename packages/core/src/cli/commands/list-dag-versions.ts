import { TradewindError } from '../../platform/errors.ts';
import { formatShortInstant } from '../output/format-values.ts';
import { printRows } from '../output/print-rows.ts';
import type { OutputOptions } from '../program/declare.ts';
import type { EnvironmentSession } from '../session/environment-session.ts';
import { withSessionOfDag } from '../session/open-session.ts';
import { readPages } from '../session/read-pages.ts';

interface VersionsOptions extends OutputOptions {
  readonly compare?: number;
  readonly since?: number;
}

/** A version as the API gives it. */
interface VersionRow {
  readonly version_number: number;
  readonly created_at: string;
  readonly bundle_name: string;
  readonly bundle_version: string;
  readonly relative_fileloc: string;
  readonly is_current: boolean;
  readonly runs: number;
}

interface ValueChange {
  readonly name: string;
  readonly before?: unknown;
  readonly after?: unknown;
}

interface Named {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly string[];
}

/** A comparison as the API gives it. */
interface Comparison {
  readonly options: readonly ValueChange[];
  readonly added_tasks: readonly string[];
  readonly removed_tasks: readonly string[];
  readonly changed_tasks: readonly { readonly task_id: string; readonly options: readonly ValueChange[] }[];
  readonly added_edges: readonly { readonly from: string; readonly to: string }[];
  readonly removed_edges: readonly { readonly from: string; readonly to: string }[];
  readonly assets: Named;
  readonly groups: Named;
}

/** A difference as it is printed. */
interface ChangeRow {
  readonly change: 'added' | 'removed' | 'changed';
  readonly what: string;
  readonly before: unknown;
  readonly after: unknown;
}

const SHORT_VERSION_LENGTH = 12;

/** `tradewind dags versions <dag_id>` */
export async function listDagVersions(dagId: string, { folder, output, compare, since }: VersionsOptions): Promise<undefined> {
  if (since !== undefined && compare === undefined) throw new TradewindError('usage', '--since goes with --compare: add it');
  if (compare === undefined) {
    const { rows } = await withSessionOfDag(folder, dagId, (session) =>
      readPages<VersionRow>(session, { path: `/api/v2/tradewind/dags/${encodeURIComponent(dagId)}/versions`, key: 'versions' }),
    );
    await printVersions(rows, output);
    return;
  }
  const changes = await withSessionOfDag(folder, dagId, (session) => readChanges(session, dagId, { compare, since }));
  await printRows<ChangeRow>(changes, {
    format: output,
    emptyText: 'both versions define the same',
    columns: [
      { header: 'change', value: ({ change }) => change },
      { header: 'what', value: ({ what }) => what },
      { header: 'before', value: ({ before }) => shown(before), isCuttable: true },
      { header: 'after', value: ({ after }) => shown(after), isCuttable: true },
    ],
  });
}

async function printVersions(rows: readonly VersionRow[], format: OutputOptions['output']): Promise<void> {
  await printRows(rows, {
    format,
    columns: [
      { header: 'version', value: (row) => `${row.version_number}${row.is_current ? ' *' : ''}` },
      { header: 'created', value: (row) => formatShortInstant(row.created_at) },
      { header: 'runs', value: (row) => String(row.runs) },
      { header: 'bundle', value: (row) => row.bundle_name, isCuttable: true },
      { header: 'bundle version', value: (row) => row.bundle_version.slice(0, SHORT_VERSION_LENGTH) },
      { header: 'file', value: (row) => row.relative_fileloc, isCuttable: true },
    ],
  });
}

async function readChanges(
  { ask }: EnvironmentSession,
  dagId: string,
  { compare, since }: { readonly compare: number; readonly since: number | undefined },
): Promise<ChangeRow[]> {
  const query = since === undefined ? '' : `?since=${since}`;
  const path = `/api/v2/tradewind/dags/${encodeURIComponent(dagId)}/versions/${compare}/changes${query}`;
  const found = (await ask({ method: 'GET', path })) as Comparison;
  const edge = ({ from, to }: { readonly from: string; readonly to: string }): string => `${from} → ${to}`;
  return [
    ...found.options.map((change) => valueRow('dag', change)),
    ...plainRows('added', 'task', found.added_tasks),
    ...plainRows('removed', 'task', found.removed_tasks),
    ...found.changed_tasks.flatMap(({ task_id: taskId, options }) => options.map((change) => valueRow(`task ${taskId}`, change))),
    ...plainRows('added', 'edge', found.added_edges.map(edge)),
    ...plainRows('removed', 'edge', found.removed_edges.map(edge)),
    ...namedRows('asset', found.assets),
    ...namedRows('group', found.groups),
  ];
}

function valueRow(owner: string, { name, before = null, after = null }: ValueChange): ChangeRow {
  return { change: 'changed', what: `${owner}: ${name}`, before, after };
}

function plainRows(change: ChangeRow['change'], kind: string, names: readonly string[]): ChangeRow[] {
  return names.map((name) => ({ change, what: `${kind} ${name}`, before: null, after: null }));
}

function namedRows(kind: string, { added, removed, changed }: Named): ChangeRow[] {
  return [...plainRows('added', kind, added), ...plainRows('removed', kind, removed), ...plainRows('changed', kind, changed)];
}

function shown(value: unknown): string {
  if (value === null) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
