import { printRows } from '../output/print-rows.ts';
import type { OutputOptions } from '../program/declare.ts';
import type { EnvironmentSession } from '../session/environment-session.ts';
import { withSession } from '../session/open-session.ts';

interface ListConfigOptions extends OutputOptions {
  readonly section?: string;
}

interface ConfigAnswer {
  readonly sections: readonly { readonly name: string; readonly options: readonly { readonly key: string; readonly value: string }[] }[];
}

/** `tradewind config list`: the settings of an environment; what could be secret is hidden. */
export async function listConfig({ folder, output, section }: ListConfigOptions): Promise<undefined> {
  const filter = section === undefined ? '' : `?section=${encodeURIComponent(section)}`;
  const { sections } = await withSession(folder, (session) => ask(session, `/api/v2/config${filter}`));
  const rows = sections.flatMap(({ name, options }) => options.map(({ key, value }) => ({ section: name, option: key, value })));
  await printRows(rows, {
    format: output,
    columns: [
      { header: 'setting', value: (row) => `${row.section}.${row.option}` },
      { header: 'value', value: ({ value }) => value, isCuttable: true },
    ],
  });
}

/** `tradewind config get-value <section> <option>` */
export async function getConfigValue(section: string, option: string, { folder }: { readonly folder?: string }): Promise<undefined> {
  const path = `/api/v2/config/section/${encodeURIComponent(section)}/option/${encodeURIComponent(option)}`;
  const { sections } = await withSession(folder, (session) => ask(session, path));
  process.stdout.write(`${sections[0]?.options[0]?.value ?? ''}\n`);
}

async function ask(session: EnvironmentSession, path: string): Promise<ConfigAnswer> {
  return (await session.ask({ method: 'GET', path })) as ConfigAnswer;
}
