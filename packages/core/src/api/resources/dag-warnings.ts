import { z } from 'zod';
import { describeAssetConflict, listAssetConflicts } from '../../store/reads/asset-conflicts.ts';
import { listMissingPools, listRestlessDags } from '../../store/reads/dag-warnings.ts';
import { listTimetableProblems } from '../../store/reads/timetable-problems.ts';
import { writeInstant } from '../instants.ts';
import { oneOf, optional, pageQuery, query, readPage } from '../query-schemas.ts';
import { apiRoute } from '../route.ts';

const WARNING_TYPES = ['asset conflict', 'non-existent pool', 'runtime varying value'] as const;
/** More new versions within an hour than that are made by no author. */
const MOST_VERSIONS = 20;
const RESTLESS_WITHIN_MS = 3_600_000;

const warningResponse = z.object({
  dag_id: z.string(),
  warning_type: z.enum(WARNING_TYPES),
  message: z.string(),
  timestamp: z.string(),
  dag_display_name: z.string(),
});

/** Lists what is odd about dags: assets that a dag describes otherwise than a dag before it, timetables whose code fails, pools that do not exist, values that differ at each reading. */
export const listDagWarnings = apiRoute({
  operationId: 'list_dag_warnings',
  method: 'GET',
  url: '/api/v2/dagWarnings',
  policy: { kind: 'role', atLeast: 'viewer', resource: 'dag', action: 'read' },
  query: z.object({ ...pageQuery, dag_id: query.text, warning_type: optional(oneOf(WARNING_TYPES)) }),
  response: z.object({ dag_warnings: z.array(warningResponse), total_entries: z.int() }),
  async handler({ query: given }, { database, clock }, { principal }) {
    const conflicts = (await listAssetConflicts(database, principal.readableDags)).map((conflict) => ({
      dag_id: conflict.dagId,
      warning_type: 'asset conflict' as const,
      message: describeAssetConflict(conflict),
      timestamp: writeInstant(conflict.describedAt),
      dag_display_name: conflict.dagId,
    }));
    // Airflow has no word for a timetable that fails; this is the one for code that does not do at run time what it did when it was read.
    const failures = (await listTimetableProblems(database, principal.readableDags)).map((failure) => ({
      dag_id: failure.dagId,
      warning_type: 'runtime varying value' as const,
      message: `its timetable gives no runs: ${failure.problem}`,
      timestamp: writeInstant(failure.evaluatedAt),
      dag_display_name: failure.dagDisplayName,
    }));
    const pools = (await listMissingPools(database, principal.readableDags)).map((missing) => ({
      dag_id: missing.dagId,
      warning_type: 'non-existent pool' as const,
      message: `there is no pool '${missing.pool}', so ${missing.taskIds.join(', ')} will never run; make it, or name another one`,
      timestamp: writeInstant(missing.parsedAt),
      dag_display_name: missing.dagDisplayName,
    }));
    const since = clock.now() - RESTLESS_WITHIN_MS;
    const restless = (await listRestlessDags(database, { readable: principal.readableDags, since, most: MOST_VERSIONS })).map((dag) => ({
      dag_id: dag.dagId,
      warning_type: 'runtime varying value' as const,
      message: `it had ${dag.versions} new versions within an hour; take what differs at each reading, such as a time or a random value, into the code of a task`,
      timestamp: writeInstant(dag.newestAt),
      dag_display_name: dag.dagDisplayName,
    }));
    const rows = [...conflicts, ...failures, ...pools, ...restless].filter(
      (row) =>
        (given.dag_id === undefined || row.dag_id === given.dag_id) &&
        (given.warning_type === undefined || row.warning_type === given.warning_type),
    );
    const { limit, offset } = readPage(given);
    return {
      dag_warnings: rows.slice(offset, offset + limit),
      total_entries: rows.length,
    };
  },
});
