import { stripVTControlCharacters, styleText } from 'node:util';

/** A column of a table. */
export interface Column<Row> {
  readonly header: string;
  readonly value: (row: Row) => string;
  /** Whether its values may be cut where the table is too wide: never those that people copy, such as ids. @default false */
  readonly isCuttable?: boolean;
}

/** How a table is laid out. */
export interface TableOptions<Row> {
  readonly columns: readonly Column<Row>[];
  /** In characters. Without columns that may be cut, the table is as wide as it must be. */
  readonly width: number;
  /** Where the table goes, which decides about the colour of its header. @default no header */
  readonly header?: NodeJS.WritableStream;
}

const GAP = '  ';
/** A cut column keeps enough to be recognised. */
const NARROWEST = 8;
const ELLIPSIS = '…';

/** Lays rows out in columns, one line each. */
export function formatTable<Row>(rows: readonly Row[], { columns, width, header: stream }: TableOptions<Row>): string {
  const cells = rows.map((row) => columns.map(({ value }) => singleLine(value(row))));
  const headers = stream === undefined ? columns.map(() => '') : columns.map(({ header }) => header);
  const natural = headers.map((header, index) => Math.max(header.length, ...cells.map((line) => line[index]?.length ?? 0)));
  const widths = fit(natural, columns, width);
  const layOut = (line: readonly string[]): string =>
    line
      .map((cell, index) => cut(cell, widths[index] ?? 0).padEnd(widths[index] ?? 0))
      .join(GAP)
      .trimEnd();
  const head = stream === undefined ? [] : [styleText('bold', layOut(headers), { stream })];
  return [...head, ...cells.map(layOut)].map((line) => `${line}\n`).join('');
}

/** Takes what is too much from the widest column that may be cut, again and again. */
function fit<Row>(natural: readonly number[], columns: readonly Column<Row>[], width: number): readonly number[] {
  const widths = [...natural];
  let excess = widths.reduce((sum, each) => sum + each, 0) + GAP.length * (widths.length - 1) - width;
  for (; excess > 0; excess -= 1) {
    let widest = -1;
    for (const [index, each] of widths.entries()) {
      if (columns[index]?.isCuttable === true && each > NARROWEST && each > (widths[widest] ?? 0)) widest = index;
    }
    if (widest === -1) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
}

function cut(cell: string, width: number): string {
  return cell.length <= width ? cell : `${cell.slice(0, Math.max(0, width - 1)).toWellFormed()}${ELLIPSIS}`;
}

/** What authors write may hold line breaks and codes that would move the cursor of a terminal. */
function singleLine(text: string): string {
  return stripVTControlCharacters(text)
    .replaceAll(/\s*[\n\r]+\s*/g, ' ')
    .replaceAll(/\p{Cc}/gu, ' ');
}
