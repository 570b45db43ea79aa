import type { OutputFormat } from './output-format.ts';
import { formatTable, type Column } from './table.ts';

/** How rows are printed. */
export interface PrintOptions<Row> {
  readonly format: OutputFormat;
  /** What people see of a row; programs get all of it. */
  readonly columns: readonly Column<Row>[];
  /** Said on standard error where there are no rows, for people alone. */
  readonly emptyText?: string;
}

/** Where nobody says how wide the terminal is. */
const DEFAULT_WIDTH = 80;

/** Prints rows on standard output: as the API gives them for programs, the chosen columns for people. */
export async function printRows<Row extends object>(rows: readonly Row[], options: PrintOptions<Row>): Promise<void> {
  const { stdout, stderr } = process;
  switch (options.format) {
    case 'json':
      stdout.write(`${JSON.stringify(rows, null, 2)}\n`);
      return;
    case 'yaml': {
      const { stringify } = await import('yaml');
      stdout.write(stringify(rows));
      return;
    }
    case 'plain':
    case 'table': {
      if (rows.length === 0) {
        if (options.emptyText !== undefined) stderr.write(`${options.emptyText}\n`);
        return;
      }
      const { columns } = options;
      stdout.write(
        options.format === 'table'
          ? formatTable(rows, { columns, width: terminalWidth(stdout), header: stdout })
          : formatTable(rows, { columns, width: Number.POSITIVE_INFINITY }),
      );
    }
  }
}

/** Some terminals say that they are 0 wide. */
function terminalWidth({ columns }: NodeJS.WriteStream): number {
  return columns === undefined || columns === 0 ? DEFAULT_WIDTH : columns;
}
