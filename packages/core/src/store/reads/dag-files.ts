import { readBundleFile } from '../../model/bundle-file.ts';
import type { Database } from '../database.ts';

/** A dag file as it was read last. Times are milliseconds since the epoch. */
export interface DagFileReport {
  readonly bundleName: string;
  /** Relative to the bundle's folder. */
  readonly file: string;
  readonly parsedAt: number;
  /** How long reading it took; null for a file without dags. */
  readonly parseMs: number | null;
  readonly dagIds: readonly string[];
  readonly tasks: number;
  readonly warnings: readonly string[];
  /** Why it could not be read, where it could not. */
  readonly importError: string | null;
}

/** Every dag file that is known, the slowest first. */
export async function listDagFiles(database: Database): Promise<readonly DagFileReport[]> {
  const [files, dags, errors] = await Promise.all([
    database.reads.selectFrom('dagFile').select(['path', 'parsedAt', 'warnings']).orderBy('path').execute(),
    database.reads
      .selectFrom('dag')
      .innerJoin('dagVersion', 'dagVersion.id', 'dag.dagVersionId')
      .select(['dag.dagId', 'dag.file', 'dag.parseMs', 'dagVersion.serialized'])
      .where('dag.isStale', '=', 0)
      .orderBy('dag.dagId')
      .execute(),
    database.reads.selectFrom('importError').select(['path', 'message']).execute(),
  ]);
  const dagsOf = Map.groupBy(dags, ({ file }) => file);
  const errorOf = new Map(errors.map(({ path, message }) => [path, message]));
  const reports = files.map(({ path, parsedAt, warnings }): DagFileReport => {
    const own = dagsOf.get(path) ?? [];
    const { bundleName, file } = readBundleFile(path);
    return {
      bundleName,
      file,
      parsedAt,
      parseMs: own[0]?.parseMs ?? null,
      dagIds: own.map(({ dagId }) => dagId),
      tasks: own.reduce((sum, { serialized }) => sum + (JSON.parse(serialized) as { tasks: readonly unknown[] }).tasks.length, 0),
      warnings: JSON.parse(warnings) as string[],
      importError: errorOf.get(path) ?? null,
    };
  });
  return reports.toSorted((a, b) => (b.parseMs ?? -1) - (a.parseMs ?? -1));
}
