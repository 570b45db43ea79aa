import { expect, test } from 'vitest';
import { Masker } from './masker.ts';
import { presentRenderedFields } from './rendered-fields.ts';

function masker(): Masker {
  const one = new Masker();
  one.add('hunter2x');
  return one;
}

test('rendered fields keep their form, without secrets', () => {
  const fields = { command: 'psql --password hunter2x', env: { PGPASSWORD: 'other', HOST: 'db' }, args: ['hunter2x', 1] };
  expect(presentRenderedFields(fields, masker())).toEqual({
    command: 'psql --password ***',
    env: { PGPASSWORD: '***', HOST: 'db' },
    args: ['***', 1],
  });
});

test('a field that is too long is masked before it is cut', () => {
  const { text, list } = presentRenderedFields(
    { text: `${'x'.repeat(4_090)}hunter2x${'y'.repeat(100)}`, list: Array(5_000).fill(1) },
    masker(),
  );
  expect(text).toBe(`${'x'.repeat(4_090)}***yyy… truncated 97 characters`);
  expect(list).toMatch(/^\[1,1.*… truncated \d+ characters$/);
});

test('a field of the longest length is not cut', () => {
  expect(presentRenderedFields({ text: 'x'.repeat(4_096) }, masker())).toEqual({ text: 'x'.repeat(4_096) });
});
