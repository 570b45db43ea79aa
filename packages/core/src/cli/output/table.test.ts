import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import { formatTable, type Column } from './table.ts';

interface Row {
  readonly id: string;
  readonly text: string;
}

const columns: readonly Column<Row>[] = [
  { header: 'id', value: ({ id }) => id },
  { header: 'text', value: ({ text }) => text, isCuttable: true },
];
const header = new PassThrough();

describe('formatTable', () => {
  test('aligns columns below their headers', () => {
    const rows = [
      { id: 'a', text: 'one' },
      { id: 'long_id', text: 'two' },
    ];
    expect(stripVTControlCharacters(formatTable(rows, { columns, width: 80, header }))).toBe('id       text\na        one\nlong_id  two\n');
  });

  test('has no header where none is asked for', () => {
    expect(formatTable([{ id: 'a', text: 'one' }], { columns, width: 80 })).toBe('a  one\n');
  });

  test('cuts what may be cut to the width, and never an id', () => {
    const id = 'x'.repeat(30);
    const [line = ''] = formatTable([{ id, text: 'y'.repeat(60) }], { columns, width: 50 }).split('\n');
    expect(line).toBe(`${id}  ${'y'.repeat(17)}…`);
    expect(line).toHaveLength(50);
  });

  test('is wider than asked where ids need it', () => {
    const id = 'x'.repeat(90);
    expect(formatTable([{ id, text: 'short' }], { columns, width: 80 })).toBe(`${id}  short\n`);
  });

  test('keeps a row on one line and a terminal in order, whatever an author wrote', () => {
    expect(formatTable([{ id: 'a', text: 'two\n  lines \u001B[31mred\u0007!' }], { columns, width: 80 })).toBe('a  two lines red !\n');
  });
});
