import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { CodeLocation, ParseReply } from '@tradewind/protocol';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createTestFolder } from '../executors/testing/test-bundle.ts';
import { authorEntry } from '../platform/child-process.ts';
import { systemClock } from '../platform/clock.ts';
import { silentLog } from '../platform/log.ts';
import { BundleScanner, type BundleVersion } from './bundle-scanner.ts';
import { DagFileReader } from './dag-file-reader.ts';
import { parseDagFile, type ParseProcessOptions } from './parse-process.ts';

const folder = createTestFolder();
const bundleFolder = path.join(folder.path, 'dags');
const stateFolder = path.join(folder.path, '.tradewind');
const options: ParseProcessOptions = {
  entry: authorEntry('@tradewind/sdk/parse-dag-file'),
  stateFolder,
  workingFolder: folder.path,
  maxHeapMegabytes: 256,
  timeoutMs: 60_000,
  clock: systemClock,
  log: silentLog,
};
const NEVER = new AbortController().signal;
let reader: DagFileReader;

beforeAll(() => {
  mkdirSync(bundleFolder);
  symlinkSync(path.resolve(import.meta.dirname, '../../../../node_modules'), path.join(folder.path, 'node_modules'));
});

beforeEach(() => {
  reader = new DagFileReader(options, 600_000);
});

afterEach(async () => {
  await reader.stop();
  expect(readdirSync(path.join(stateFolder, 'children'))).toEqual([]);
});

afterAll(() => {
  folder[Symbol.dispose]();
});

async function store(texts: Readonly<Record<string, string>>): Promise<BundleVersion> {
  for (const [file, text] of Object.entries(texts)) writeFileSync(path.join(bundleFolder, file), text);
  return (await new BundleScanner({ bundleFolder, stateFolder, clock: systemClock }).scan()).version;
}

/** A dag file that tells what it sees as the description of its dag. */
function telling(expression: string, before = ''): string {
  return `import { dag } from '@tradewind/sdk';\n${before}\nexport const a = dag('a', { description: JSON.stringify(${expression}) }, (d) => { d.task('one', { run: () => 1 }); });\n`;
}

const whoami = telling('process.pid');

function told(reply: ParseReply): unknown {
  if (reply.type === 'failed') throw new Error(reply.error.message);
  const [dag] = reply.dags as { description: string }[];
  return JSON.parse(dag?.description ?? '');
}

describe('many files', () => {
  test('are read by one process, one after the other', async () => {
    const version = await store({ 'a.ts': whoami, 'b.ts': whoami, 'c.ts': whoami });
    const pids: unknown[] = [];
    for (const file of ['a.ts', 'b.ts', 'c.ts']) pids.push(told(await reader.read({ ...version, file }, NEVER, true)));
    expect(new Set(pids).size).toBe(1);
    expect(pids).not.toContain(process.pid);
  });

  test('each have their own instance of a library, and of its libraries', async () => {
    const version = await store({
      'inner.ts': 'const seen: string[] = [];\nexport const see = (who: string): number => seen.push(who);\n',
      'outer.ts': `import { see } from './inner.ts';\nexport const seeTwice = (who: string): number => { see(who); return see(who); };\n`,
      'a.ts': telling(`[seeTwice('a'), see('a')]`, `import { seeTwice } from './outer.ts';\nimport { see } from './inner.ts';`),
      'b.ts': telling(`[see('b'), seeTwice('b')]`, `import { see } from './inner.ts';\nconst { seeTwice } = await import('./outer.ts');`),
      'c.ts': telling(
        `[seeTwice('c'), a.dagId]`,
        `import { seeTwice } from './outer.ts';\nimport { a as other } from './a.ts';\nconst a = other;`,
      ).replace('export const a =', 'export const c ='),
    });
    const replies = [];
    for (const file of ['a.ts', 'b.ts', 'c.ts']) replies.push(await reader.read({ ...version, file }, NEVER, true));
    expect(replies.map(told)).toEqual([
      [2, 3],
      [1, 3],
      [5, 'a'],
    ]);
    expect(replies.map((reply) => reply.type === 'parsed' && reply.files)).toEqual([
      ['a.ts', 'outer.ts', 'inner.ts'],
      ['b.ts', 'inner.ts', 'outer.ts'],
      ['c.ts', 'outer.ts', 'inner.ts', 'a.ts'],
    ]);
  });

  test.each<[string, string]>([
    ['a timer that keeps no process alive', 'setInterval(() => {}, 1_000).unref();'],
    ['a timer', 'setTimeout(() => {}, 60_000);'],
    ['an environment variable', `process.env.PLANTED = 'yes';`],
    ['the working folder', `process.chdir('/');`],
    ['a property that every object inherits', 'Object.prototype.planted = 1;'],
    ['another Math.random', 'Math.random = () => 0.5;'],
    ['a global variable', 'globalThis.planted = 1;'],
    ['a changed function of Node', `import fs from 'node:fs';\nfs.existsSync = () => true;`],
    ['a property of the SDK', 'dag.planted = 1;'],
    ['a listener', `process.on('warning', () => {});`],
    ['hooks', `import { registerHooks } from 'node:module';\nregisterHooks({});`],
    ['a CommonJS module', `import './state.cjs';`],
    ['Node by a way around its imports', `process.getBuiltinModule('http').globalAgent.planted = 1;`],
  ])('are not read by a process in which an earlier one left %s', async (_, effect) => {
    const version = await store({ 'a.ts': whoami, 'effect.ts': telling('1', effect), 'b.ts': whoami, 'state.cjs': 'exports.state = {};' });
    const before = told(await reader.read({ ...version, file: 'a.ts' }, NEVER, true));
    await reader.read({ ...version, file: 'effect.ts' }, NEVER, true);
    expect(told(await reader.read({ ...version, file: 'b.ts' }, NEVER, true))).not.toBe(before);
  });

  test.each([
    ['cannot be read', 'throw new Error("no");'],
    ['has a mistake', 'const ='],
    ['prints', 'console.log("hello");'],
  ])('go on in the same process after one that %s', async (_, text) => {
    const version = await store({ 'a.ts': whoami, 'odd.ts': text, 'b.ts': whoami });
    const before = told(await reader.read({ ...version, file: 'a.ts' }, NEVER, true));
    await reader.read({ ...version, file: 'odd.ts' }, NEVER, true);
    expect(told(await reader.read({ ...version, file: 'b.ts' }, NEVER, true))).toBe(before);
  });

  test('of another bundle version are read by another process', async () => {
    const one = await store({ 'a.ts': whoami });
    const other = await store({ 'a.ts': `${whoami}\n` });
    const before = told(await reader.read({ ...one, file: 'a.ts' }, NEVER, true));
    expect(told(await reader.read({ ...other, file: 'a.ts' }, NEVER, true))).not.toBe(before);
  });

  test('that are stopped while one of them never ends are told so at once', async () => {
    const version = await store({ 'a.ts': whoami, 'endless.ts': 'for (;;) {}\n' });
    await reader.read({ ...version, file: 'a.ts' }, NEVER, true);
    const stopping = new AbortController();
    const reading = reader.read({ ...version, file: 'endless.ts' }, stopping.signal, true);
    stopping.abort();
    expect(await reading).toMatchObject({ type: 'failed', error: { message: 'the reading was stopped' } });
  });

  test('are read as a process for each would read them, whatever they do and in whatever order', async () => {
    const texts = Object.fromEntries(Array.from({ length: 24 }, (_, file) => [`mixed_${file}.ts`, mixedText(file)]));
    const version = await store({ ...texts, 'library.ts': 'export const seen: number[] = [];\n', 'old.cjs': 'exports.seen = [];\n' });
    for (const file of Object.keys(texts)) {
      const code: CodeLocation = { ...version, file };
      expect(withoutStack(await reader.read(code, NEVER, true)), texts[file]).toEqual(
        withoutStack(await parseDagFile(code, options, NEVER)),
      );
    }
  });
});

describe('a single file', () => {
  test('is read by a process that was started before it was needed, and is its only one', async () => {
    const version = await store({ 'a.ts': whoami });
    await reader.read({ ...version, file: 'a.ts' }, NEVER, false);
    const spare = await nextChild();
    expect(told(await reader.read({ ...version, file: 'a.ts' }, NEVER, false))).toBe(spare);
    expect(told(await reader.read({ ...version, file: 'a.ts' }, NEVER, false))).not.toBe(spare);
  });

  test('is read though the process that was started for it has died', async () => {
    const version = await store({ 'a.ts': whoami });
    await reader.read({ ...version, file: 'a.ts' }, NEVER, false);
    const spare = await nextChild();
    process.kill(spare, 'SIGKILL');
    expect(told(await reader.read({ ...version, file: 'a.ts' }, NEVER, false))).not.toBe(spare);
  });
});

const EFFECTS = [
  '',
  '',
  'globalThis.planted = (globalThis.planted ?? 0) + 1;',
  `import { seen } from './library.ts';\nseen.push(1);\nconst a1 = seen.length;`,
  `import * as old from './old.cjs';\nold.default.seen.push(1);`,
  'Array.prototype.planted = 1;',
  `console.log('printed');`,
  `process.env.PLANTED = 'yes';`,
  `throw new Error('no');`,
  `await new Promise((go) => setTimeout(go, 5));`,
  `Promise.reject(new Error('nobody listens'));`,
];

/** A file with two of the effects, which tells the traces of all of them; the same for the same number. */
function mixedText(file: number): string {
  const chosen = [(file * 7) % EFFECTS.length, (file * 5 + 3) % EFFECTS.length].map((index) => EFFECTS[index] ?? '');
  const traces = `[globalThis.planted, [].planted, process.env.PLANTED, (await import('./library.ts')).seen, (await import('./old.cjs')).default.seen]`;
  return telling(traces, [...new Set(chosen)].join('\n')).replace(`dag('a'`, `dag('mixed_${file}'`);
}

function withoutStack(reply: ParseReply): unknown {
  if (reply.type === 'parsed') return reply;
  const { stack: _stack, ...error } = reply.error;
  return { ...reply, error };
}

/** Waits until a process is noted as running. */
async function nextChild(): Promise<number> {
  for (;;) {
    const [note] = readdirSync(stateFolder).includes('children')
      ? readdirSync(path.join(stateFolder, 'children')).filter((name) => name.endsWith('.json'))
      : [];
    if (note !== undefined) return Number.parseInt(note, 10);
    await new Promise(setImmediate);
  }
}
