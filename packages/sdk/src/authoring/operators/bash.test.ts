import { describe, expect, test } from 'vitest';
import { DefinitionError } from '../../errors.ts';
import { bash, type BashOptions } from './bash.ts';
import { createLastLine } from './last-line.ts';

describe('bash is refused', () => {
  test.each([
    ['a text for options', 'date', "its options must be an object and not 'date'"],
    ['no script', {}, "bash(): command is missing; give the script's text"],
    ['a blank script', { command: ' ' }, 'command is missing'],
    ['a list as script', { command: ['ls', '-l'] }, 'command must be a text and not'],
    ['NUL', { command: 'a\0b' }, 'command contains the character NUL'],
    ['an unknown option', { command: 'date', arg: ['a'] }, "'arg' is not a field of its options; did you mean 'args'?"],
    ['args that are no texts', { command: 'date', args: [1] }, 'args is [ 1 ]; give a list of texts'],
    ['env that is no text', { command: 'date', env: { N: 1 } }, 'env.N is 1; names are letters'],
    ['env with a bad name', { command: 'date', env: { 'A-B': 'x' } }, "env.A-B is 'x'"],
    ['env that is a list', { command: 'date', env: ['A=b'] }, "env is [ 'A=b' ]; give an object of texts"],
    ['a number as folder', { command: 'date', cwd: 1 }, 'cwd must be a text and not 1'],
  ])('for %s', (_, options, message) => {
    expect(() => bash(options as BashOptions)).toThrow(DefinitionError);
    expect(() => bash(options as BashOptions)).toThrow(message);
  });
});

describe('the last line', () => {
  const read = (...chunks: readonly (string | Uint8Array)[]): string => {
    const lastLine = createLastLine();
    for (const chunk of chunks) lastLine.push(Buffer.from(chunk as string));
    return lastLine.read();
  };

  test.each([
    ['in one piece', ['a\nb\n'], 'b'],
    ['in many', ['a', '\nb', 'c', '\n', ''], 'bc'],
    ['not ended', ['a\nb', 'c'], 'bc'],
    ['blank', ['a\n', '\n'], ''],
    ['with a character cut in two', [Buffer.from([0xe2, 0x82]), Buffer.from([0xac, 0x0a])], '€'],
    ['not UTF-8', [Buffer.from([0x61, 0xff, 0x0a])], 'a\uFFFD'],
  ])('is found %s', (_, chunks, line) => {
    expect(read(...chunks)).toBe(line);
  });

  test('takes no more memory than a value can', () => {
    const piece = 'x'.repeat(4_000_000);
    expect(read(piece, piece, piece)).toHaveLength(8_388_609);
  });
});
