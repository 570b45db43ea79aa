import type { TryOutcome } from '@tradewind/protocol';
import { beforeEach, expect, test } from 'vitest';
import { Masker } from '../../model/masking/masker.ts';
import { ValueSealer } from '../../model/masking/value-sealer.ts';
import { generateDataKey, SecretBox } from '../../platform/secret-box.ts';
import { createWorkload } from '../testing/test-bundle.ts';
import { guardOutcome, openWorkload, type TrySecrets } from './try-secrets.ts';

const SECRET = 'correct-horse-battery';
let secrets: TrySecrets & { readonly sealer: ValueSealer };

beforeEach(() => {
  const masker = new Masker();
  masker.add(SECRET);
  secrets = { masker, sealer: new ValueSealer(masker, new SecretBox([generateDataKey()])) };
});

const workload = () =>
  createWorkload({ version: { bundleFolder: '/dags', bundleVersion: 'v', manifestFile: '/m' }, file: 'a.ts', dagId: 'a', taskId: 'b' });

test('what a deferred task keeps for itself and hands to its trigger holds no secret, and opens to what it was', () => {
  const json = JSON.stringify({ password: SECRET, rows: 3 });
  const outcome: TryOutcome = { result: 'deferred', deferral: { trigger: { kind: 'code', name: 'job', argsJson: json }, stateJson: json } };
  const guarded = guardOutcome(outcome, secrets);
  expect(JSON.stringify(guarded)).not.toContain(SECRET);
  const { trigger, stateJson } = guarded.result === 'deferred' ? guarded.deferral : expect.fail();
  expect(trigger.kind === 'code' && secrets.sealer.openJson(trigger.argsJson)).toBe(json);
  expect(secrets.sealer.openJson(stateJson)).toBe(json);
});

test('a task that goes on is given the secrets of its state and of the event', () => {
  const sealed = secrets.sealer.sealJson(JSON.stringify(SECRET));
  const opened = openWorkload({ ...workload(), resumption: { stateJson: sealed, event: { ok: true, json: sealed } } }, secrets);
  expect(opened.resumption).toEqual({ stateJson: `"${SECRET}"`, event: { ok: true, json: `"${SECRET}"` } });
});

test('an event that says why there is none stays as it is', () => {
  const event = { ok: false, message: 'it was cancelled' } as const;
  expect(openWorkload({ ...workload(), resumption: { stateJson: 'null', event } }, secrets).resumption?.event).toEqual(event);
});
