import { printRows } from '../output/print-rows.ts';
import type { OutputOptions } from '../program/declare.ts';
import { withSession } from '../session/open-session.ts';
import { readPages } from '../session/read-pages.ts';

interface ListVariablesOptions extends OutputOptions {
  readonly showValues?: boolean;
}

interface VariableRow {
  readonly key: string;
  readonly value: string | null;
  readonly description: string | null;
}

/** `tradewind variables list`: what is secret is masked also where values are shown. */
export async function listVariables({ folder, output, showValues }: ListVariablesOptions): Promise<undefined> {
  const { rows } = await withSession(folder, (session) => readPages<VariableRow>(session, { path: '/api/v2/variables', key: 'variables' }));
  const shown = showValues === true ? rows : rows.map(({ key, description }) => ({ key, description }));
  await printRows<Omit<VariableRow, 'value'> & { readonly value?: string | null }>(shown, {
    format: output,
    emptyText: 'the database has no variables',
    columns: [
      { header: 'key', value: ({ key }) => key },
      ...(showValues === true ? [{ header: 'value', value: ({ value }: { value?: string | null }) => value ?? '', isCuttable: true }] : []),
      { header: 'description', value: ({ description }) => description ?? '', isCuttable: true },
    ],
  });
}
