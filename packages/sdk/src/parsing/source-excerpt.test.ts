import { expect, test } from 'vitest';
import { sourceExcerpt } from './source-excerpt.ts';

const text = ['one', 'two', '\tthree()', 'four', 'five', 'six'].join('\n');

test('shows two lines around the place, their numbers, and a caret under the column', () => {
  expect(sourceExcerpt(text, 3, 2).split('\n')).toEqual([
    '  1 | one',
    '  2 | two',
    '> 3 | \tthree()',
    '    | \t^',
    '  4 | four',
    '  5 | five',
  ]);
});

test('shows no caret where the column is not known', () => {
  expect(sourceExcerpt(text, 6).split('\n')).toEqual(['  4 | four', '  5 | five', '> 6 | six']);
});

test('shows the beginning of a line that is too long to be read, and no caret beyond it', () => {
  expect(sourceExcerpt('x'.repeat(10_000), 1, 5_000)).toBe(`> 1 | ${'x'.repeat(160)}`);
});
