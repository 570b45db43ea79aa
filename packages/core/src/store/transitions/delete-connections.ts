import { defineStatement, type Database } from '../database.ts';

/**
 * Saved → (absent).
 *
 * Called by the API and the command line. With `all_or_none` nothing goes where one of them is not there. Run twice: nothing is there.
 * @returns the ids that were deleted
 */
export async function deleteConnections(
  database: Database,
  connIds: readonly string[],
  how: 'all_or_none' | 'those_there',
): Promise<readonly string[]> {
  const [deleted] = await database.batch([removeConnections(connIds, how === 'all_or_none')]);
  return deleted.map(({ connId }) => connId);
}

const removeConnections = defineStatement<{ connId: string }, [connIds: readonly string[], isAllOrNone: boolean]>(
  'delete_connections',
  (d) => `
    delete from connection
    where conn_id in (select id from ${d.rows('$1', 'wanted', { id: 'text' })})
      and ($2 = 0 or (select count(*) from connection as there where there.conn_id in (select id from ${d.rows('$1', 'wanted', { id: 'text' })})) = $3)
    returning conn_id as "connId"`,
  (connIds, isAllOrNone) => {
    const wanted = [...new Set(connIds)];
    return [JSON.stringify(wanted.map((id) => ({ id }))), Number(isAllOrNone), wanted.length];
  },
);
