import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';

const FOLDER = import.meta.dirname;
const TEXT = readFileSync(path.join(FOLDER, 'airflow-parity.md'), 'utf8');
const ROWS = [...TEXT.matchAll(/^\| (?<row>[^|]+) \| (?<status>done|different|not yet) \| (?<where>.+) \|$/gm)].map(({ groups }) => ({
  row: groups?.['row'] ?? '',
  status: groups?.['status'] ?? '',
  where: groups?.['where'] ?? '',
}));
const linksIn = (text: string): string[] => [...text.matchAll(/\]\((?<link>[^)]+)\)/g)].map(({ groups }) => groups?.['link'] ?? '');

describe('the table of what of Airflow is here', () => {
  test('counts its rows', () => {
    const count = (wanted: string): number => ROWS.filter(({ status }) => status === wanted).length;
    expect(TEXT).toContain(`${ROWS.length} rows: ${count('done')} done, ${count('different')} different, ${count('not yet')} not yet.`);
  });

  test.each(ROWS.filter(({ status }) => status === 'done'))('$row is shown by a test', ({ where }) => {
    expect(linksIn(where).filter((link) => link.endsWith('.test.ts'))).not.toEqual([]);
  });

  test.each(ROWS.filter(({ status }) => status === 'different'))('$row is explained by a decision record', ({ where }) => {
    expect(linksIn(where).some((link) => /\/adr\/\d{4}-/.test(link))).toBe(true);
  });

  test('names nothing that is not there', () => {
    expect(linksIn(TEXT).filter((link) => !existsSync(path.join(FOLDER, link)))).toEqual([]);
  });
});
