import { describe, expect, test } from 'vitest';
import { generateDataKey, generateMasterKey, masterKeyOf, SecretBox, unwrapDataKey, wrapDataKey } from './secret-box.ts';

const PLACE = 'variable|region|value';

describe('a sealed value', () => {
  test('opens where it belongs', () => {
    const box = new SecretBox([generateDataKey()]);
    expect(box.open(box.seal('grüße\0', PLACE), PLACE)).toBe('grüße\0');
    expect(box.open(box.seal('', PLACE), PLACE)).toBe('');
  });

  test('is another one each time', () => {
    const box = new SecretBox([generateDataKey()]);
    expect(box.seal('x', PLACE)).not.toBe(box.seal('x', PLACE));
  });

  test.each([
    ['in another row', (sealed: string) => [sealed, 'variable|other|value']],
    ['with a changed text', (sealed: string) => [`${sealed.slice(0, -2)}${sealed.endsWith('AA') ? 'BB' : 'AA'}`, PLACE]],
    ['with another nonce', (sealed: string) => [sealed.replace(/:[\w-]{16}:/, `:${'A'.repeat(16)}:`), PLACE]],
    ['that was cut off', (sealed: string) => [sealed.slice(0, -10), PLACE]],
    ['that is no sealed value', () => ['hunter2x', PLACE]],
  ] as const)('%s does not open, and is not quoted', (_, change) => {
    const box = new SecretBox([generateDataKey()]);
    const [sealed, place] = change(box.seal('hunter2x', PLACE)) as [string, string];
    expect(() => box.open(sealed, place)).toThrow(
      expect.objectContaining({ code: 'secret_unreadable', message: expect.not.stringContaining('hunter2x') as string }) as Error,
    );
  });

  test('of an older key opens, and is known to be outdated', () => {
    const [old, young] = [generateDataKey(), generateDataKey()];
    const sealed = new SecretBox([old]).seal('x', PLACE);
    const box = new SecretBox([old, young]);
    expect([box.open(sealed, PLACE), box.isOutdated(sealed), box.isOutdated(box.seal('x', PLACE))]).toEqual(['x', true, false]);
  });
});

describe('a data key', () => {
  test('opens with its master key', () => {
    const [master, key] = [generateMasterKey(), generateDataKey()];
    expect(unwrapDataKey([generateMasterKey(), master], wrapDataKey(master, key))).toEqual(key);
  });

  test('does not open with another one, and the message names both', () => {
    const [master, other] = [generateMasterKey(), generateMasterKey()];
    expect(() => unwrapDataKey([other], wrapDataKey(master, generateDataKey()))).toThrow(new RegExp(`${master.id}.*${other.id}`));
  });

  test('that was changed does not open', () => {
    const [master, key] = [generateMasterKey(), generateDataKey()];
    const wrapped = wrapDataKey(master, key);
    expect(() => unwrapDataKey([master], { ...wrapped, id: 'another' })).toThrow('does not open with its master key');
  });
});

test('the id of a master key tells nothing but which one it is', () => {
  const bytes = Buffer.alloc(32, 7);
  expect(masterKeyOf(bytes).id).toBe(masterKeyOf(Buffer.from(bytes)).id);
  expect(bytes.toString('base64url')).not.toContain(masterKeyOf(bytes).id);
});
