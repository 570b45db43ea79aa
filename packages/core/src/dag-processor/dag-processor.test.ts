import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { bundleObjectPath, type BundleManifest, type CodeLocation, type ParseReply } from '@tradewind/protocol';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createTestFolder, type TestFolder } from '../executors/testing/test-bundle.ts';
import { createVirtualClock, type VirtualClock } from '../platform/testing/virtual-clock.ts';
import { systemClock, type Clock } from '../platform/clock.ts';
import { silentLog } from '../platform/log.ts';
import type { DagFilesChange } from './dag-files.ts';
import { BundleScanner } from './bundle-scanner.ts';
import { DagProcessor } from './dag-processor.ts';
import { MemorySink } from './testing/memory-sink.ts';

let folder: TestFolder;
let bundleFolder: string;
let sink: MemorySink;
let processor: DagProcessor;
/** Files in the order in which their reading began. */
let readings: string[];
let changes: DagFilesChange[];

beforeEach(() => {
  folder = createTestFolder();
  bundleFolder = path.join(folder.path, 'dags');
  mkdirSync(bundleFolder);
  sink = new MemorySink();
  readings = [];
  changes = [];
});

afterEach(async () => {
  await processor.stop();
  folder[Symbol.dispose]();
});

/** The text of a test's dag file: what reading it gives. */
interface Described {
  readonly dags?: readonly string[];
  readonly imports?: readonly string[];
  readonly error?: string;
  /** Gives another dag each time. */
  readonly isRandom?: boolean;
}

type Read = (code: CodeLocation, signal: AbortSignal) => Promise<ParseReply> | ParseReply;

function begin({ clock = systemClock, read = readDescribed }: { clock?: Clock; read?: Read } = {}): void {
  processor = new DagProcessor({
    source: new BundleScanner({ bundleFolder, stateFolder: path.join(folder.path, '.tradewind'), clock }),
    sink,
    clock,
    log: silentLog,
    parse: async (code, signal) => {
      readings.push(code.file);
      return read(code, signal);
    },
    findProblem: ({ dagId }) => (dagId === 'bad' ? 'it is bad' : undefined),
    onChange: (change) => changes.push(change),
  });
}

/** Starts the processor and waits until it has read everything. */
async function beginSettled(options?: Parameters<typeof begin>[0]): Promise<void> {
  begin(options);
  await processor.settled();
}

function readDescribed({ manifestFile, file }: CodeLocation): ParseReply {
  const { files } = JSON.parse(readFileSync(manifestFile, 'utf8')) as BundleManifest;
  const text = readFileSync(path.resolve(path.dirname(manifestFile), bundleObjectPath(files[file] ?? '')), 'utf8');
  const described = (text === '' ? {} : JSON.parse(text)) as Described;
  if (described.error !== undefined) return { type: 'failed', error: { message: described.error } };
  const dags = (described.dags ?? []).map((dagId) => serialized(described.isRandom === true ? `${dagId}_${readings.length}` : dagId, text));
  return { type: 'parsed', dags, files: [file, ...(described.imports ?? [])], warnings: [] };
}

function serialized(dagId: string, description: string): object {
  const lists = { tags: [], tasks: [], assets: [] };
  const numbers = { maxActiveRuns: 1, maxActiveTasks: 1 };
  return {
    schemaVersion: 1,
    dagId,
    description,
    ...lists,
    ...numbers,
    schedule: { kind: 'none' },
    catchup: false,
    isPausedUponCreation: false,
    params: {},
  };
}

function write(file: string, content: Described | string): void {
  writeFileSync(path.join(bundleFolder, file), typeof content === 'string' ? content : JSON.stringify(content));
}

/** Waits until what was written before is read. */
async function settle(): Promise<void> {
  processor.rescan();
  await processor.settled();
}

/** Lets virtual time pass, slowly enough for real files to be read meanwhile, until the condition holds. */
async function pass(clock: VirtualClock, condition: () => boolean): Promise<void> {
  while (!condition()) {
    await new Promise(setImmediate);
    await clock.advance(100);
  }
}

const versionOf = (file: string): string | undefined => sink.files.get(file)?.bundleVersion;

describe('the first reading', () => {
  test('saves the dags of every dag file, and knows that libraries have none', async () => {
    write('a.ts', { dags: ['a1', 'a2'] });
    write('library.ts', {});
    write('data.json', 'not a dag file');
    await beginSettled();
    expect(sink.dags).toEqual(['a1 in a.ts', 'a2 in a.ts']);
    expect([...sink.files.keys()].toSorted()).toEqual(['a.ts', 'library.ts']);
    expect(changes.map(({ changedDags }) => changedDags)).toEqual([['a1', 'a2']]);
  });

  test('leaves alone what an earlier life of the environment has read, and reads what failed', async () => {
    write('good.ts', { dags: ['good'] });
    write('bad.ts', { error: 'no' });
    await beginSettled();
    await processor.stop();
    readings = [];
    sink.calls.splice(0);
    await beginSettled();
    expect(readings).toEqual(['bad.ts']);
    expect(sink.calls).toEqual(['loadKnownFiles', 'moveFiles good.ts', 'saveImportError bad.ts']);
  });

  test('removes files that went away while the environment was down', async () => {
    write('a.ts', { dags: ['a'] });
    await beginSettled();
    await processor.stop();
    rmSync(path.join(bundleFolder, 'a.ts'));
    await beginSettled();
    expect(sink.files.size).toBe(0);
  });
});

describe('a change', () => {
  test('is noticed without being told of', async () => {
    await beginSettled();
    write('a.ts', { dags: ['a'] });
    await sink.until(({ dags }) => dags.length === 1);
    expect(sink.dags).toEqual(['a in a.ts']);
  });

  test('has only the changed file read; the others move to the new version', async () => {
    write('a.ts', { dags: ['a'] });
    write('b.ts', { dags: ['b'] });
    await beginSettled();
    const before = versionOf('b.ts');
    readings = [];
    write('a.ts', { dags: ['a', 'more'] });
    await settle();
    expect(new Set(readings)).toEqual(new Set(['a.ts']));
    expect(versionOf('b.ts')).toBe(versionOf('a.ts'));
    expect(versionOf('b.ts')).not.toBe(before);
    expect(changes.at(-1)).toEqual({ file: 'a.ts', changedDags: ['more', 'a'].toSorted(), removedDags: [] });
  });

  test('of a file that others import has these read, too', async () => {
    write('a.ts', { dags: ['a'], imports: ['lib.ts'] });
    write('b.ts', { dags: ['b'] });
    write('lib.ts', {});
    await beginSettled();
    readings = [];
    write('lib.ts', ' {}');
    await settle();
    expect(readings.toSorted()).toEqual(['a.ts', 'lib.ts']);
  });

  test('that removes a file removes its dags', async () => {
    write('a.ts', { dags: ['a'] });
    await beginSettled();
    rmSync(path.join(bundleFolder, 'a.ts'));
    await settle();
    expect(sink.dags).toEqual([]);
    expect(changes.at(-1)).toEqual({ file: 'a.ts', changedDags: [], removedDags: ['a'] });
  });

  test('that removes a dag from its file is told', async () => {
    write('a.ts', { dags: ['a', 'b'] });
    await beginSettled();
    write('a.ts', { dags: ['a'] });
    await settle();
    expect(changes.at(-1)?.removedDags).toEqual(['b']);
  });

  test('in the middle of a reading is read before anything is saved: no half-written file ever is', async () => {
    const saved: string[] = [];
    let isFirst = true;
    await beginSettled({
      read: (code) => {
        if (code.file === 'a.ts' && isFirst) write('a.ts', { dags: ['whole', 'second_half'] });
        if (code.file === 'a.ts') isFirst = false;
        return readDescribed(code);
      },
    });
    write('a.ts', { dags: ['whole'] });
    await settle();
    for (const { changedDags } of changes) saved.push(...changedDags);
    expect(sink.dags).toEqual(['second_half in a.ts', 'whole in a.ts']);
    expect(changes).toHaveLength(1);
    expect(saved.toSorted()).toEqual(['second_half', 'whole']);
  });

  test('of an imported file in the middle of a reading has the file read again', async () => {
    write('lib.ts', '{}');
    write('a.ts', { dags: ['a'], imports: ['lib.ts'] });
    let hasChanged = false;
    await beginSettled({
      read: async (code) => {
        const reply = readDescribed(code);
        if (code.file === 'a.ts' && !hasChanged) {
          hasChanged = true;
          write('lib.ts', '  {}');
          processor.rescan();
          while (readings.filter((file) => file === 'lib.ts').length < 2) await new Promise(setImmediate);
        }
        return reply;
      },
    });
    expect(readings.filter((file) => file === 'a.ts')).toHaveLength(2);
    expect(versionOf('a.ts')).toBe(versionOf('lib.ts'));
  });
});

describe('a file with an import error', () => {
  test('keeps the dags that it had', async () => {
    write('a.ts', { dags: ['a'] });
    await beginSettled();
    const before = versionOf('a.ts');
    write('a.ts', { error: 'Expression expected' });
    await settle();
    expect([sink.dags, sink.errors]).toEqual([['a in a.ts'], ['a.ts: Expression expected']]);
    expect(versionOf('a.ts')).toBe(before);
    expect(changes.at(-1)).toMatchObject({ file: 'a.ts', error: { message: 'Expression expected' } });
  });

  test('is read again when another file changes, for that may be what was wrong', async () => {
    let isInstalled = false;
    write('a.ts', { dags: ['a'] });
    await beginSettled({ read: (code) => (isInstalled ? readDescribed(code) : { type: 'failed', error: { message: 'missing' } }) });
    expect(sink.errors).toEqual(['a.ts: missing']);
    isInstalled = true;
    write('lib.ts', '{}');
    await settle();
    expect([sink.dags, sink.errors]).toEqual([['a in a.ts'], []]);
  });

  test('is read again after a while, which grows from time to time', async () => {
    const clock = createVirtualClock();
    write('a.ts', { error: 'no' });
    await beginSettled({ clock });
    const readAt = [clock.now()];
    while (readAt.length < 4) {
      await clock.advance(30_000);
      await processor.settled();
      if (readings.length > readAt.length) readAt.push(clock.now());
    }
    const gaps = readAt.slice(1).map((at, index) => at - (readAt[index] ?? 0));
    expect(gaps).toEqual([30_000, 60_000, 120_000]);
  });

  test.each<[string, Described, RegExp]>([
    ['a dag that does not hold together', { dags: ['no/slash'] }, /dagId: is not a valid dag id/],
    ['a dag twice', { dags: ['a', 'a'] }, /dag "a": the file defines it twice/],
    ['a dag that the environment refuses', { dags: ['bad'] }, /dag "bad": it is bad/],
  ])('is one that defines %s', async (_, described, message) => {
    write('a.ts', described);
    await beginSettled();
    expect(sink.errors).toEqual([expect.stringMatching(message)]);
    expect(sink.dags).toEqual([]);
  });

  test('is one that has become empty, as a file does while it is written', async () => {
    write('a.ts', { dags: ['a'] });
    await beginSettled();
    write('a.ts', '');
    await settle();
    expect(sink.dags).toEqual(['a in a.ts']);
    expect(sink.errors).toEqual([expect.stringContaining('the file is empty')]);
    write('a.ts', { dags: ['a'] });
    await settle();
    expect(sink.errors).toEqual([]);
  });

  test('is one that has become too large to be part of the bundle', async () => {
    write('a.ts', { dags: ['a'] });
    await beginSettled();
    write('a.ts', 'x'.repeat(10 * 1_048_576 + 1));
    await settle();
    await settle();
    expect(sink.dags).toEqual(['a in a.ts']);
    expect(sink.errors).toEqual([expect.stringMatching(/^a\.ts: the file has 10485761 bytes/)]);
    expect(sink.calls.filter((call) => call.startsWith('saveImportError'))).toHaveLength(1);
  });
});

describe('a dag that two files define', () => {
  const TAKEN = 'b.ts: dag "x" is also defined in a.ts, which comes first by name and wins; give one of them another id';

  test('belongs to the first by name, and the other one goes on with the rest of its dags', async () => {
    write('a.ts', { dags: ['x'] });
    write('b.ts', { dags: ['x', 'y'] });
    await beginSettled();
    expect([sink.dags, sink.errors]).toEqual([['x in a.ts', 'y in b.ts'], [TAKEN]]);
  });

  test('moves when the first one comes later, and back when it goes', async () => {
    write('b.ts', { dags: ['x', 'y'] });
    await beginSettled();
    write('a.ts', { dags: ['x'] });
    await settle();
    expect([sink.dags, sink.errors]).toEqual([['x in a.ts', 'y in b.ts'], [TAKEN]]);
    rmSync(path.join(bundleFolder, 'a.ts'));
    await settle();
    expect([sink.dags, sink.errors]).toEqual([['x in b.ts', 'y in b.ts'], []]);
  });

  test('moves when the first one gives it another id', async () => {
    write('a.ts', { dags: ['x'] });
    write('b.ts', { dags: ['x'] });
    await beginSettled();
    write('a.ts', { dags: ['z'] });
    await settle();
    expect([sink.dags, sink.errors]).toEqual([['x in b.ts', 'z in a.ts'], []]);
  });
});

describe('a file that gives other dags each time', () => {
  test('is read twice after a change, and warned about', async () => {
    write('a.ts', { dags: ['a'] });
    await beginSettled();
    write('a.ts', { dags: ['a'], isRandom: true });
    await settle();
    expect(sink.files.get('a.ts')?.parsed?.warnings).toEqual([expect.stringContaining('defines other dags each time')]);
  });

  test('is read for the second time when it has not changed for a moment', async () => {
    const clock = createVirtualClock();
    write('a.ts', { dags: ['a'] });
    begin({ clock });
    const change = async (text: Described, count: number): Promise<void> => {
      write('a.ts', text);
      processor.rescan();
      await clock.advance(25);
      await expect.poll(() => changes.length).toBe(count);
    };
    await expect.poll(() => changes.length).toBe(1);
    await change({ dags: ['a', 'b'] }, 2);
    await change({ dags: ['a', 'c'] }, 3);
    await clock.advance(240);
    expect(readings).toEqual(['a.ts', 'a.ts', 'a.ts']);
    await clock.advance(10);
    await expect.poll(() => readings.length).toBe(4);
  });

  test('is not suspected where a second reading gives the same', async () => {
    write('a.ts', { dags: ['a'] });
    await beginSettled();
    readings = [];
    write('a.ts', { dags: ['a', 'b'] });
    await settle();
    expect(readings).toEqual(['a.ts', 'a.ts']);
    expect(sink.files.get('a.ts')?.parsed?.warnings).toEqual([]);
  });
});

describe('what goes wrong in the processor', () => {
  test('does not end it: a folder that is missing keeps all dags and is looked for again', async () => {
    const clock = createVirtualClock();
    write('a.ts', { dags: ['a'] });
    begin({ clock });
    await sink.until(({ dags }) => dags.length === 1);
    rmSync(bundleFolder, { recursive: true });
    processor.rescan();
    await pass(clock, () => clock.now() > Date.parse('2026-03-01T00:10:00Z'));
    expect(sink.dags).toEqual(['a in a.ts']);
    mkdirSync(bundleFolder);
    write('b.ts', { dags: ['b'] });
    await pass(clock, () => sink.dags.includes('b in b.ts'));
    expect(sink.dags).toEqual(['b in b.ts']);
  });

  test.each([1, 2, 3, 4])('does not end it: a sink that fails %d times has everything in the end', async (failures) => {
    write('a.ts', { dags: ['a'] });
    write('b.ts', { error: 'no' });
    sink.failures = failures;
    const clock = createVirtualClock();
    begin({ clock });
    await pass(clock, () => sink.dags.length === 1 && sink.errors.length === 1);
    expect([sink.dags, sink.errors]).toEqual([['a in a.ts'], ['b.ts: no']]);
  });
});

test('stopping ends the readings that run', async () => {
  write('a.ts', { dags: ['a'] });
  let wasAborted = false;
  begin({
    read: (_, signal) =>
      new Promise((resolve) => {
        signal.addEventListener('abort', () => {
          wasAborted = true;
          resolve({ type: 'failed', error: { message: 'stopped' } });
        });
      }),
  });
  while (readings.length === 0) await new Promise(setImmediate);
  await processor.stop();
  expect(wasAborted).toBe(true);
  expect(sink.files.size).toBe(0);
});
