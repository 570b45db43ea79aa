import { printRows } from '../output/print-rows.ts';
import type { OutputOptions } from '../program/declare.ts';
import { withSessionOfDag } from '../session/open-session.ts';

interface Detail {
  readonly property: string;
  readonly value: unknown;
}

/** `tradewind dags details <dag_id>`: a line for each property that has a value; for programs all of them as the API gives them. */
export async function showDagDetails(dagId: string, { folder, output }: OutputOptions): Promise<undefined> {
  const details = (await withSessionOfDag(folder, dagId, (session) =>
    session.ask({ method: 'GET', path: `/api/v2/dags/${encodeURIComponent(dagId)}/details` }),
  )) as Readonly<Record<string, unknown>>;
  if (output === 'json' || output === 'yaml') {
    await printRows([details], { format: output, columns: [] });
    return;
  }
  const rows = Object.entries(details).map(([property, value]): Detail => ({ property, value }));
  await printRows(
    rows.filter(({ value }) => !isEmpty(value)),
    {
      format: output,
      columns: [
        { header: 'property', value: ({ property }) => property },
        { header: 'value', value: ({ value }) => (typeof value === 'string' ? value : JSON.stringify(value)), isCuttable: true },
      ],
    },
  );
}

function isEmpty(value: unknown): boolean {
  return value === null || value === '' || (Array.isArray(value) && value.length === 0);
}
