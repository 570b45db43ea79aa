import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { CodeLocation, TimetableQuestion } from '@tradewind/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestFolder, storeBundle } from '../executors/testing/test-bundle.ts';
import { authorEntry } from '../platform/child-process.ts';
import { systemClock } from '../platform/clock.ts';
import { silentLog } from '../platform/log.ts';
import { askTimetableCode } from './parse-process.ts';

const HOUR_MS = 3_600_000;
const NOW = Date.UTC(2026, 10, 21);
const NEVER = new AbortController().signal;
const folder = createTestFolder();
const bundleFolder = path.join(folder.path, 'dags');
const stateFolder = path.join(folder.path, '.tradewind');

const FILES: Readonly<Record<string, string>> = {
  hourly: `next: (last, { now }) => (last?.runAfter ?? now).add({ hours: 1 })`,
  throws: `next: () => { throw new Error('no moon tonight'); }`,
  loops: `next: () => { for (;;); }`,
  hoards: `next: () => { const kept = []; for (;;) kept.push(new Array(10_000).fill(kept.length)); }`,
  leaves: `next: () => process.exit(3)`,
};

let locate: (file: string) => CodeLocation;

beforeAll(async () => {
  mkdirSync(bundleFolder);
  symlinkSync(path.resolve(import.meta.dirname, '../../../../node_modules'), path.join(folder.path, 'node_modules'));
  for (const [name, code] of Object.entries(FILES)) {
    const dag = `dag('${name}', { schedule: timetable({ summary: 'tides', ${code} }) }, () => {})`;
    writeFileSync(path.join(bundleFolder, `${name}.ts`), `import { dag, timetable } from '@tradewind/sdk';\nexport const it = ${dag};\n`);
  }
  const version = await storeBundle(bundleFolder, stateFolder);
  locate = (file) => ({ ...version, file });
});

afterAll(() => folder[Symbol.dispose]());

function ask(name: string, timeoutMs = 60_000) {
  const question: TimetableQuestion = { dagId: name, last: null, now: NOW, earliestAt: null, latestAt: null, catchup: false, most: 3 };
  const entry = authorEntry('@tradewind/sdk/parse-dag-file');
  const options = { entry, stateFolder, workingFolder: folder.path, maxHeapMegabytes: 96, clock: systemClock, log: silentLog, timeoutMs };
  return askTimetableCode({ code: locate(`${name}.ts`), question }, options, NEVER);
}

describe('the code of a timetable, in a process of its own', () => {
  test('names the next runs', async () => {
    expect(await ask('hourly')).toEqual({
      type: 'timetable',
      isExhausted: false,
      runs: [1, 2, 3].map((hours) => {
        const at = NOW + hours * HOUR_MS;
        return { logicalAt: at, runAfterAt: at, intervalStartAt: at, intervalEndAt: at };
      }),
    });
  });

  test.each<[string, RegExp, number?]>([
    ['throws', /the timetable of dag "throws", asked for the run after none, threw: no moon tonight/],
    ['loops', /asking the timetable of dag "loops" took longer than 2 s.*next\(\) must only compute/, 2_000],
    ['hoards', /asking the timetable of dag "hoards" needs more than 96 MB of heap/],
    ['leaves', /ended the process that read it \(exit code 3\)/],
  ])('that %s gives no runs and says why', async (name, message, timeoutMs) => {
    expect(await ask(name, timeoutMs)).toMatchObject({ type: 'failed', error: { message: expect.stringMatching(message) as string } });
  });
});
