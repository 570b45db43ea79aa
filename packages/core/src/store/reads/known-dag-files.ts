import { defineStatement, type Database } from '../database.ts';

/** A dag file as it was read last. Paths are relative to the bundle's folder. */
export interface KnownDagFile {
  readonly file: string;
  /** sha256 of its content (hex). */
  readonly contentHash: string;
  /** By path: the content hash of each file of the bundle that it imports, itself included. */
  readonly dependencies: Readonly<Record<string, string>>;
  readonly dags: readonly { readonly dagId: string; readonly serializedHash: string }[];
  readonly hasImportError: boolean;
}

/** Reads every dag file that is known, with the dags that it defines, sorted by path. */
export async function readKnownFiles(database: Database): Promise<readonly KnownDagFile[]> {
  const [files, dags] = await database.batch([selectDagFiles(), selectFileDags()]);
  const dagsByFile = Map.groupBy(dags, ({ file }) => file);
  return files.map(({ file, contentHash, dependencies, importErrors }) => ({
    file,
    contentHash,
    dependencies: JSON.parse(dependencies) as Record<string, string>,
    dags: (dagsByFile.get(file) ?? []).map(({ dagId, serializedHash }) => ({ dagId, serializedHash })),
    hasImportError: importErrors > 0,
  }));
}

const selectDagFiles = defineStatement<{ file: string; contentHash: string; dependencies: string; importErrors: number }, []>(
  'select_dag_files',
  () => `
    select dag_file.path as file, dag_file.content_hash as "contentHash", dag_file.dependencies as dependencies,
      (select count(*) from import_error where import_error.path = dag_file.path) as "importErrors"
    from dag_file
    order by dag_file.path`,
  () => [],
);

const selectFileDags = defineStatement<{ file: string; dagId: string; serializedHash: string }, []>(
  'select_file_dags',
  () => `
    select dag.file as file, dag.dag_id as "dagId", version.content_hash as "serializedHash"
    from dag join dag_version as version on version.id = dag.dag_version_id
    where dag.is_stale = 0
    order by dag.dag_id`,
  () => [],
);
