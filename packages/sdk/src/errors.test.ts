import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import {
  BadValueError,
  DefinitionError,
  FailTask,
  RequestError,
  SDK_ERROR_CODES,
  SdkError,
  SkipTask,
  TemplateError,
  tryEndingOf,
} from './errors.ts';

/** The SDK's table of the reference, row by row. */
function documentedErrors(): readonly (readonly [code: string, classes: readonly string[]])[] {
  const text = readFileSync(path.resolve(import.meta.dirname, '../../../docs/reference/errors.md'), 'utf8');
  const rows = text.matchAll(/^\| `(?<code>\w+)` \| (?<classes>`\w+`(?:, `\w+`)*) \| .+ \| .+ \|$/gm);
  return [...rows].map(({ groups }) => [groups?.['code'] ?? '', [...(groups?.['classes'] ?? '').matchAll(/\w+/g)].map(String)]);
}

test('the reference lists every code, in order, and no other', () => {
  expect(documentedErrors().map(([code]) => code)).toEqual(SDK_ERROR_CODES);
  expect(SDK_ERROR_CODES).toEqual(SDK_ERROR_CODES.toSorted());
});

test('the reference names the class of every code', () => {
  const errors = [
    new DefinitionError('dag "orders"', 'it is wrong'),
    new BadValueError(''),
    new FailTask(''),
    new RequestError('unavailable', ''),
    new SkipTask(''),
    new TemplateError(''),
  ];
  const own = new Map<string, string>(errors.map(({ code, name }) => [code, name]));
  for (const [code, classes] of documentedErrors()) expect([code, classes[0]]).toEqual([code, own.get(code) ?? SdkError.name]);
});

test.each([
  [new SkipTask(''), 'skipped'],
  [new FailTask(''), 'fail_without_retry'],
  [new BadValueError(''), 'bad_value'],
  [new RequestError('forbidden', ''), 'fail_without_retry'],
  [new RequestError('unavailable', ''), undefined],
  [new TemplateError(''), undefined],
  [new SdkError('command_failed', ''), undefined],
])('%s ends a try as the reference says', (error, ending) => {
  expect(tryEndingOf(error)).toBe(ending);
});
