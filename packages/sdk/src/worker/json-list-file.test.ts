import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { JsonListFile } from './json-list-file.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tradewind-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function openList(json: string): JsonListFile {
  const file = path.join(folder, 'list.json');
  writeFileSync(file, json);
  return new JsonListFile(file);
}

describe('a list in a file', () => {
  test.each([
    '[]',
    ' [ \n ] ',
    '[1]',
    '[1,-2.5e3,true,false,null]',
    '["a","",",","]","[","\\"","\\\\","\\\\\\"]","ü€😀"]',
    '[[],[1,[2,3]],{"a":[1,{"b":","}]},{},"x"]',
    '[ 1 ,\t{ "a" : [ 1 , 2 ] } ,\r\n[ ] ]',
    '["}", {"]": "["}, [["[[" ]]]',
  ])('has the values of %s', (json) => {
    const list = openList(json);
    const values = JSON.parse(json) as unknown[];
    expect([...list]).toEqual(values);
    expect(list.length).toBe(values.length);
    for (const index of [0, 1, -1, -2, 5, -9, 100]) expect(list.at(index)).toEqual(values.at(index));
    for (const [start, end] of [[], [1], [0, -1], [-2], [1, 100], [-100, 2], [2, 1], [9]] as [number?, number?][])
      expect(list.slice(start, end)).toEqual(values.slice(start, end));
    list.close();
  });

  test('has the same values where they are longer than what is read at once, and cross its borders', () => {
    const values = Array.from({ length: 400 }, (_, index) => ({ index, text: 'ü"\\,['.repeat((index * 37) % 500) }));
    values.splice(200, 0, { index: -1, text: 'long'.repeat(200_000) });
    const list = openList(JSON.stringify(values));
    expect([...list]).toEqual(values);
    for (const index of [399, 3, 200, 199, 201, 0]) expect(list.at(index)).toEqual(values[index]);
    list.close();
  });

  test('is read while its file is gone, and not after it was closed', () => {
    const list = openList('[1,2]');
    rmSync(folder, { recursive: true });
    expect(list.at(1)).toBe(2);
    list.close();
    list.close();
    expect(() => list.at(0)).toThrow('mapped values are read after their try has ended');
  });
});
