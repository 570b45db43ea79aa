import type { EnvironmentSession } from './environment-session.ts';

/** The API gives no longer pages. */
const PAGE_ROWS = 100;

/** Rows of a list, and how many there are in all. */
export interface Listing<Row> {
  readonly rows: readonly Row[];
  readonly total: number;
}

/**
 * Reads a list of the API page by page.
 * @param list.path with its query, without limit and offset
 * @param list.key where the rows are in the answer
 * @param list.limit how many rows at most. @default all
 */
export async function readPages<Row>(
  session: EnvironmentSession,
  { path, key, limit = Number.POSITIVE_INFINITY }: { readonly path: string; readonly key: string; readonly limit?: number },
): Promise<Listing<Row>> {
  const rows: Row[] = [];
  for (;;) {
    const wanted = Math.min(PAGE_ROWS, limit - rows.length);
    const separator = path.includes('?') ? '&' : '?';
    const page = (await session.ask({
      method: 'GET',
      path: `${path}${separator}limit=${wanted}&offset=${rows.length}`,
    })) as Readonly<Record<string, unknown>>;
    const found = page[key] as readonly Row[];
    const total = page['total_entries'] as number;
    rows.push(...found);
    if (found.length === 0 || rows.length >= Math.min(limit, total)) return { rows, total };
  }
}
