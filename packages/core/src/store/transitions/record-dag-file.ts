import type { ParseFailure } from '@tradewind/protocol';
import { defineStatement, type Statement } from '../database.ts';
import { storableText } from '../storable-text.ts';

/** A dag file as it was read. */
export interface DagFileRecord {
  readonly file: string;
  readonly contentHash: string;
  /** By path: the content hash of each file of the bundle that it imports, itself included. */
  readonly dependencies: Readonly<Record<string, string>>;
  readonly warnings: readonly string[];
}

/**
 * Any file → as it was read, without an import error.
 *
 * The statements after those that save the file's dags, in the same transaction: a file is known only with its dags. Run twice: the same
 * row.
 */
export function recordDagFile(record: DagFileRecord, now: number): readonly Statement<unknown>[] {
  return [upsertDagFile(record, now), deleteImportErrors([record.file])];
}

/**
 * Any file → with an import error. Its dags stay as they are.
 *
 * The file is remembered with its content, even if it was never read, so that it is noticed when it goes. Run twice: the same error; it
 * keeps its id.
 *
 * @param contentHash undefined where not even the content could be read
 */
export function recordImportError(
  { file, contentHash, error }: { readonly file: string; readonly contentHash: string | undefined; readonly error: ParseFailure },
  now: number,
): readonly Statement<unknown>[] {
  return [rememberDagFile(file, contentHash ?? '', now), upsertImportError(file, error, now)];
}

/** A file → gone, and with it its import error. Run twice: it is gone already. */
export function forgetDagFiles(files: readonly string[]): readonly Statement<unknown>[] {
  return [deleteDagFiles(files), deleteImportErrors(files)];
}

const upsertDagFile = defineStatement<never, [record: DagFileRecord, now: number]>(
  'upsert_dag_file',
  () => `
    insert into dag_file (path, content_hash, dependencies, warnings, parsed_at) values ($1, $2, $3, $4, $5)
    on conflict (path) do update set content_hash = excluded.content_hash, dependencies = excluded.dependencies, warnings = excluded.warnings,
      parsed_at = excluded.parsed_at`,
  ({ file, contentHash, dependencies, warnings }, now) => [file, contentHash, JSON.stringify(dependencies), JSON.stringify(warnings), now],
);

/** What is known of the files that it imports stays. */
const rememberDagFile = defineStatement<never, [file: string, contentHash: string, now: number]>(
  'remember_dag_file',
  () => `
    insert into dag_file (path, content_hash, dependencies, warnings, parsed_at) values ($1, $2, '{}', '[]', $3)
    on conflict (path) do update set content_hash = excluded.content_hash, parsed_at = excluded.parsed_at`,
  (file, contentHash, now) => [file, contentHash, now],
);

const upsertImportError = defineStatement<never, [file: string, error: ParseFailure, now: number]>(
  'upsert_import_error',
  () => `
    insert into import_error (path, message, line, column_number, excerpt, stack, created_at) values ($1, $2, $3, $4, $5, $6, $7)
    on conflict (path) do update set message = excluded.message, line = excluded.line, column_number = excluded.column_number,
      excerpt = excluded.excerpt, stack = excluded.stack, created_at = excluded.created_at`,
  (file, error, now) => [
    file,
    storableText(error.file === undefined || error.file === file ? error.message : `in ${error.file}: ${error.message}`),
    error.line ?? null,
    error.column ?? null,
    error.excerpt === undefined ? null : storableText(error.excerpt),
    error.stack === undefined ? null : storableText(error.stack),
    now,
  ],
);

const deleteImportErrors = defineStatement<never, [files: readonly string[]]>(
  'delete_import_errors',
  (d) => `delete from import_error where path in (select given.path from ${d.rows('$1', 'given', { path: 'text' })})`,
  pathRows,
);

const deleteDagFiles = defineStatement<never, [files: readonly string[]]>(
  'delete_dag_files',
  (d) => `delete from dag_file where path in (select given.path from ${d.rows('$1', 'given', { path: 'text' })})`,
  pathRows,
);

function pathRows(files: readonly string[]): [string] {
  return [JSON.stringify(files.map((path) => ({ path })))];
}
