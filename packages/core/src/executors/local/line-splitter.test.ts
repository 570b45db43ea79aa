import { MAX_LOG_LINE_BYTES } from '@tradewind/protocol';
import { describe, expect, test } from 'vitest';
import { LineSplitter } from './line-splitter.ts';

const MARK = '\u001E';

/** What a splitter makes of some chunks: lines as they are, cut ones and records as a note about them. */
function split(chunks: readonly (string | Uint8Array)[], isRecord: (json: string) => boolean = () => true): string[] {
  const found: string[] = [];
  const splitter = new LineSplitter({
    onLine: (text, cutBytes) => found.push(cutBytes === 0 ? text : `${text.length} characters, ${cutBytes} bytes cut`),
    onRecord: (json) => isRecord(json) && found.push(`record ${json}`) > 0,
    onSkipped: (bytes) => found.push(`skipped ${bytes}`),
  });
  for (const chunk of chunks) splitter.push(Buffer.from(chunk));
  splitter.end();
  return found;
}

const cases: [string, string, string[]][] = [
  ['lines', 'one\ntwo\n', ['one', 'two']],
  ['a last line without a line break', 'one\ntwo', ['one', 'two']],
  ['empty lines', '\none\n\n\ntwo\n\n', ['', 'one', '', '', 'two', '']],
  ['Windows line breaks', 'one\r\n\r\ntwo\r\n', ['one', '', 'two']],
  ['carriage returns of a progress bar', '10%\r20%\rdone\n', ['10%', '20%', 'done']],
  ['NUL and escapes', 'a\0b\u001B[31m\n', ['a\0b\u001B[31m']],
  ['text beyond ASCII', 'žluťoučký 🐎\n', ['žluťoučký 🐎']],
  ['a record after a whole line', `one\n\n${MARK}{}\ntwo\n`, ['one', 'record {}', 'two']],
  ['a record after half a line', `one\n${MARK}{}\ntwo\n`, ['one', 'record {}', 'two']],
  ['a record after an empty line', `one\n\n\n${MARK}{}\n`, ['one', '', 'record {}']],
  ['records one after the other', `\n${MARK}1\n\n${MARK}2\n`, ['record 1', 'record 2']],
  ['a mark in the middle of a line', `one ${MARK}{}\n`, [`one ${MARK}{}`]],
];

describe('a splitter finds', () => {
  test.each(cases)('%s', (_, text, expected) => {
    expect(split([text])).toEqual(expected);
  });

  test.each(cases)('%s, however the bytes come', (_, text, expected) => {
    const bytes = Buffer.from(text);
    expect(split([...bytes].map((byte) => Uint8Array.of(byte)))).toEqual(expected);
    for (let cut = 1; cut < bytes.length; cut += 1) expect(split([bytes.subarray(0, cut), bytes.subarray(cut)])).toEqual(expected);
  });

  test('a replacement for what is not UTF-8', () => {
    expect(split([Uint8Array.of(0x61, 0xff, 0x62, 0x0a)])).toEqual(['a\uFFFDb']);
  });

  test('that a record which nobody takes is a line, and the empty line before it stays', () => {
    expect(split([`one\n\n${MARK}{}\n`], () => false)).toEqual(['one', '', `${MARK}{}`]);
  });
});

test('a line that is too long keeps its beginning, in whatever chunks it comes', () => {
  const line = `${'x'.repeat(MAX_LOG_LINE_BYTES)}${'y'.repeat(10_000)}\n`;
  const expected = [`${MAX_LOG_LINE_BYTES + 1} characters, 9999 bytes cut`];
  expect(split([line])).toEqual(expected);
  expect(split(line.match(/[^]{1,1000}/g) ?? [])).toEqual(expected);
});

test('a record that is too long is a line that was cut', () => {
  expect(split([`\n${MARK}${'x'.repeat(MAX_LOG_LINE_BYTES + 100)}\n`])).toEqual([
    '',
    `${MAX_LOG_LINE_BYTES + 1} characters, 100 bytes cut`,
  ]);
});

test('while skipping, lines are counted and records are still found', () => {
  const found: string[] = [];
  const splitter = new LineSplitter({
    onLine: (text) => found.push(text),
    onRecord: (json) => found.push(`record ${json}`) > 0,
    onSkipped: (bytes) => found.push(`skipped ${bytes}`),
  });
  splitter.isSkipping = true;
  splitter.push(Buffer.from(`long ${'x'.repeat(95)}`));
  splitter.push(Buffer.from(`more\n\n\n${MARK}{}\n`));
  splitter.isSkipping = false;
  splitter.push(Buffer.from('kept\n'));
  splitter.end();
  expect(found).toEqual(['skipped 104', 'record {}', 'kept']);
});
