import { defineStatement } from '../database.ts';

/**
 * The dags of these files → on this bundle version, which has the files as they are: new runs start on it, and it is what has to be kept.
 *
 * Called after each change of the bundle for the files that did not change. Run twice: they are on it already.
 */
export const moveDagFiles = defineStatement<{ dagId: string }, [files: readonly string[], bundleVersion: string]>(
  'move_dag_files',
  (d) => `
    update dag
    set bundle_version = $2
    from ${d.rows('$1', 'given', { file: 'text' })}
    where dag.file = given.file and dag.is_stale = 0 and dag.bundle_version <> $2
    returning dag.dag_id as "dagId"`,
  (files, bundleVersion) => [JSON.stringify(files.map((file) => ({ file }))), bundleVersion],
);
