import { expect, test } from 'vitest';
import { CANARY_ENCODINGS } from './canary-encodings.ts';
import { createSecrets, findCanaries, sweepCanaries, unfold } from './canary-sweep.ts';

test('nothing of a secret is found in what an environment keeps and shows', async () => {
  const { channels, encodings } = await sweepCanaries(6, 1);
  expect(encodings).toBe(15);
  for (const [channel, { masked, found }] of Object.entries(channels)) {
    expect({ channel, found }).toEqual({ channel, found: [] });
    // A channel through which nothing came proves nothing.
    expect({ channel, isUsed: masked > 0 }).toEqual({ channel, isUsed: true });
  }
});

test.each(Object.keys(CANARY_ENCODINGS))('the sweep would find a secret as %s', (encoding) => {
  for (const secret of createSecrets(50, 7)) {
    const text = JSON.stringify({ event: `before ${CANARY_ENCODINGS[encoding]?.(secret)} after` });
    expect(findCanaries(unfold(text), [secret])).toContain(`secret 0 as ${encoding}`);
  }
});
