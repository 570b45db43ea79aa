import type { Database } from '../database.ts';
import { all, isReadable, type ReadableDags } from './query-parts.ts';

/** Why the code of a dag's timetable makes no runs. */
export interface TimetableProblem {
  readonly dagId: string;
  readonly dagDisplayName: string;
  readonly problem: string;
  /** When it was asked; milliseconds since the epoch. */
  readonly evaluatedAt: number;
}

/** The dags that the caller may read and whose timetables fail, by id. */
export async function listTimetableProblems(database: Database, readable: ReadableDags): Promise<readonly TimetableProblem[]> {
  const rows = await database.reads
    .selectFrom('timetableStock')
    .innerJoin('dag', 'dag.dagId', 'timetableStock.dagId')
    .select(['dag.dagId', 'dag.displayName', 'dag.schedule', 'timetableStock.problem', 'timetableStock.evaluatedAt'])
    .where('timetableStock.problem', 'is not', null)
    .where('dag.isStale', '=', 0)
    .where(all([isReadable('dag.dagId', readable)]))
    .orderBy('dag.dagId')
    .execute();
  return rows
    .filter(({ schedule }) => schedule.includes('"kind":"custom"'))
    .map(({ dagId, displayName, problem, evaluatedAt }) => ({
      dagId,
      dagDisplayName: displayName ?? dagId,
      problem: problem ?? '',
      evaluatedAt,
    }));
}
