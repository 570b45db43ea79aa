import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { Masker } from './masker.ts';
import { sensitiveNames } from './sensitive-names.ts';

const SECRET = `s3cr"et\\ pä'ss/wörd+&<x>%$`;

function maskerOf(...secrets: readonly string[]): Masker {
  const masker = new Masker();
  for (const secret of secrets) masker.add(secret);
  return masker;
}

const bytes = Buffer.from(SECRET);
const ENCODINGS: readonly (readonly [string, string])[] = [
  ['as it is', SECRET],
  ['in JSON', JSON.stringify({ a: SECRET })],
  ['in JSON within JSON', JSON.stringify(JSON.stringify({ a: SECRET }))],
  [
    'in JSON of ASCII alone',
    JSON.stringify(SECRET).replaceAll(/[\u007f-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`),
  ],
  ['as a part of a URL', `https://host/?key=${encodeURIComponent(SECRET)}&x=1`],
  ['as a part of a URL in small letters', encodeURIComponent(SECRET).replaceAll(/%../g, (e) => e.toLowerCase())],
  ['in a form', new URLSearchParams({ a: SECRET }).toString()],
  [
    'in HTML',
    SECRET.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;').replaceAll("'", '&#39;'),
  ],
  ['in base64', bytes.toString('base64')],
  ['in base64 after one byte', Buffer.concat([Buffer.from('x'), bytes]).toString('base64')],
  ['in base64 after two bytes', Buffer.from(`ab${SECRET}`).toString('base64')],
  ['as the password of basic authentication', `Basic ${Buffer.from(`ada:${SECRET}`).toString('base64')}`],
  ['in base64 of URLs', bytes.toString('base64url')],
  ['in hexadecimal', bytes.toString('hex')],
  ['in hexadecimal in capitals', bytes.toString('hex').toUpperCase()],
  ['in single quotes of a shell', `'${SECRET.replaceAll("'", `'\\''`)}'`],
  ['as inspect shows it', inspect({ a: SECRET })],
];

/** The secret in any form, found by trying to undo every encoding on every part of the text. */
function holdsSecret(text: string): boolean {
  const core = SECRET.slice(2, -2);
  const undone = [text, safely(() => decodeURIComponent(text)), text.replaceAll(/\\(.)/g, '$1')];
  const words = text
    .split(/[^A-Za-z0-9+/_-]+/)
    .flatMap((word) => [0, 1, 2, 3].map((skip) => Buffer.from(word.slice(skip), 'base64').toString()));
  const hexWords = text.split(/[^0-9A-Fa-f]+/).map((word) => Buffer.from(word, 'hex').toString());
  return [...undone, ...words, ...hexWords].some((candidate) => candidate.includes(core));
}

function safely(decode: () => string): string {
  try {
    return decode();
  } catch {
    return '';
  }
}

describe('a secret', () => {
  test.each(ENCODINGS)('is masked %s', (_, text) => {
    const masked = maskerOf(SECRET).mask(`before ${text} after`);
    expect(masked).toContain('***');
    expect(masked.startsWith('before ') && masked.endsWith(' after')).toBe(true);
    expect(holdsSecret(masked)).toBe(false);
  });

  test('of several lines is masked line by line', () => {
    const key = '-----BEGIN KEY-----\nMIIEvQIBADAN\nBgkqhkiG9w0B\n-----END KEY-----\n';
    const masker = maskerOf(key);
    expect(masker.mask('line: MIIEvQIBADAN')).toBe('line: ***');
    expect(masker.mask(JSON.stringify(key))).toBe('"***"');
  });

  test('is masked as often as it occurs, at the beginning, at the end and twice in a row', () => {
    expect(maskerOf('hunter2x').mask('hunter2xhunter2x and hunter2x')).toBe('****** and ***');
  });

  test('that overlaps or contains another one goes whole', () => {
    const masker = maskerOf('abcdefgh', 'efghijkl', 'cdefg');
    expect(masker.mask('>abcdefghijkl<')).toBe('>***<');
    expect(masker.mask('>abcdefg<')).toBe('>ab***<');
  });

  test.each(['', 'a', 'abcd', 'aaaaaaaa', 'ababababab', 'airflow', 'false', '    abc    '])(
    '%j is too short or too plain to be masked',
    (text) => {
      const masker = maskerOf();
      expect(masker.add(text)).toBe(false);
      expect(masker.mask(`x${text}x`)).toBe(`x${text}x`);
    },
  );

  test('is not masked in what was looked at before it was known', () => {
    const masker = maskerOf();
    expect(masker.mask('hunter2x')).toBe('hunter2x');
    expect(masker.add('hunter2x')).toBe(true);
    expect(masker.mask('hunter2x')).toBe('***');
  });
});

describe('a text whose end was cut off', () => {
  test.each([
    ['loses the beginning of a secret at its end', 'password is hunte', 'password is ***'],
    ['loses a whole secret, too', 'password is hunter2x', 'password is ***'],
    ['keeps what is no beginning of one', 'password is good', 'password is good'],
    ['keeps three characters, which could be anything', 'password is hun', 'password is hun'],
  ])('%s', (_, text, masked) => {
    expect(maskerOf('hunter2x').maskCut(text)).toBe(masked);
  });
});

describe('a value', () => {
  test('is masked in texts, keys and numbers, and keeps its form', () => {
    const value = { a: ['x hunter2x', 31415926, 7, null, true], 'key hunter2x': { b: 'ok' } };
    expect(maskerOf('hunter2x', '31415926').maskValue(value)).toEqual({ a: ['x ***', '***', 7, null, true], 'key ***': { b: 'ok' } });
  });

  test('is masked whole under a name that says that it is secret', () => {
    const value = { Password: 'unknown to anybody', db: { api_key: 'k', port: 1 }, tokens: ['a', { b: 2 }], none: { secret: null } };
    expect(new Masker().maskValue(value)).toEqual({
      Password: '***',
      db: { api_key: '***', port: 1 },
      tokens: ['***', { b: '***' }],
      none: { secret: null },
    });
    expect(new Masker().maskValue('text', 'my_token')).toBe('***');
  });

  test('takes further names from the configuration', () => {
    expect(new Masker(sensitiveNames(['PIN'])).maskValue({ pin: 'x', other: 'y' })).toEqual({ pin: '***', other: 'y' });
  });

  test('is not refused for a depth that would end the process', () => {
    let deep: unknown = 'hunter2x';
    for (let level = 0; level < 10_000; level += 1) deep = [deep];
    expect(JSON.stringify(maskerOf('hunter2x').maskValue(deep))).not.toContain('hunter');
  });

  test('is masked where a task’s sealed value stands', () => {
    expect(new Masker().maskValue(['tradewind:sealed:tw1:a:b:c'])).toEqual(['***']);
  });
});

test('ten thousand secrets with the same beginning are told apart', () => {
  const secret = (index: number): string => `AKIAEXAMPLE${index.toString().padStart(8, '0')}`;
  const masker = maskerOf(...Array.from({ length: 10_000 }, (_, index) => secret(index)));
  expect(masker.mask(`AKIAEXAMPLE ${secret(4_711)} ${secret(10_000)}`)).toBe(`AKIAEXAMPLE *** ${secret(10_000)}`);
});
