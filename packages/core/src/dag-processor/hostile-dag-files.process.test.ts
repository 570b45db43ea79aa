import type { CodeLocation, ParseReply } from '@tradewind/protocol';
import { cpSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestFolder } from '../executors/testing/test-bundle.ts';
import { authorEntry } from '../platform/child-process.ts';
import { systemClock } from '../platform/clock.ts';
import { silentLog } from '../platform/log.ts';
import { BundleScanner } from './bundle-scanner.ts';
import { DagProcessor } from './dag-processor.ts';
import { DagFileReader } from './dag-file-reader.ts';
import { parseDagFile } from './parse-process.ts';
import { MemorySink } from './testing/memory-sink.ts';
import { untilGone } from '../platform/testing/until-gone.ts';

const CANARY = 'canary-4a7c1f';
const folder = createTestFolder();
const bundleFolder = path.join(folder.path, 'dags');
const stateFolder = path.join(folder.path, '.tradewind');
const settings = { stateFolder, workingFolder: folder.path, maxHeapMegabytes: 96, clock: systemClock, log: silentLog };
const entry = authorEntry('@tradewind/sdk/parse-dag-file');
const GOOD_FILES = 40;
const GOOD_LIBRARY = 'zz_library.mts';
const LIBRARY_TEXT = 'let visits = 0;\nexport const visit = (): number => (visits += 1);\n';
/** What was read in processes that read many files each. */
const sink = new MemorySink();
/** What was read by a process for each file. */
const aloneSink = new MemorySink();

/** All hostile files lie in one folder, among good ones, as they would. */
beforeAll(async () => {
  mkdirSync(bundleFolder);
  cpSync(path.join(import.meta.dirname, 'hostile'), bundleFolder, { recursive: true });
  symlinkSync(path.resolve(import.meta.dirname, '../../../../node_modules'), path.join(folder.path, 'node_modules'));
  writeFileSync(path.join(bundleFolder, 'latin1.ts'), Buffer.from('// caf\u00e9\nexport {};\n', 'latin1'));
  writeFileSync(path.join(bundleFolder, 'eleven_megabytes.ts'), `// ${'x'.repeat(11 * 1_048_576)}`);
  writeFileSync(path.join(bundleFolder, 'empty.ts'), '');
  symlinkSync('loop_b.ts', path.join(bundleFolder, 'loop_a.ts'));
  symlinkSync('loop_a.ts', path.join(bundleFolder, 'loop_b.ts'));
  symlinkSync('.', path.join(bundleFolder, 'itself'));
  process.env['AIRFLOW_CONN_WAREHOUSE'] = CANARY;
  writeFileSync(path.join(bundleFolder, GOOD_LIBRARY), LIBRARY_TEXT);
  for (let file = 0; file < GOOD_FILES; file += 1) writeFileSync(path.join(bundleFolder, goodName(file)), goodText(file));
  await readShared();
  await readAll(aloneSink, (code, signal) => parseDagFile(code, { ...settings, entry, timeoutMs: timeoutMsOf(code) }, signal));
}, 240_000);

afterAll(() => {
  Reflect.deleteProperty(process.env, 'AIRFLOW_CONN_WAREHOUSE');
  folder[Symbol.dispose]();
});

async function readShared(): Promise<void> {
  const readers = new Map([2_000, 60_000].map((timeoutMs) => [timeoutMs, new DagFileReader({ ...settings, entry, timeoutMs })]));
  await readAll(sink, (code, signal) => readers.get(timeoutMsOf(code))?.read(code, signal, true) ?? Promise.reject(new Error('no reader')));
  for (const reader of readers.values()) await reader.stop();
}

async function readAll(into: MemorySink, parse: (code: CodeLocation, signal: AbortSignal) => Promise<ParseReply>): Promise<void> {
  const source = new BundleScanner({ bundleFolder, stateFolder, clock: systemClock });
  const processor = new DagProcessor({ source, sink: into, clock: systemClock, log: silentLog, parse });
  await processor.settled();
  await processor.stop();
}

/** Only those that never end are to feel the limit, however busy the machine is. */
function timeoutMsOf({ file }: CodeLocation): number {
  return file.startsWith('endless') ? 2_000 : 60_000;
}

/** Names that lie between those of the hostile files. */
function goodName(file: number): string {
  return `${'abcdefghijklmnopqrstuvwxyz'[file % 26] ?? ''}_good_${file}.ts`;
}

/** Good files notice whatever another file leaves in the process, and in the library that they share. */
function goodText(file: number): string {
  return `
import { dag } from '@tradewind/sdk';
import { visit } from './${GOOD_LIBRARY}';
const traces = [visit(), process.cwd() === ${JSON.stringify(folder.path)}, process.env.PLANTED, ({}).planted, process.listenerCount('exit') > 1];
export const good = dag('good_${file}', { description: JSON.stringify(traces) }, (d) => { d.task('one', { run: () => 1 }); });
`;
}

describe('a hostile dag file', () => {
  test.each<[string, RegExp]>([
    ['syntax_error.ts', /Expected|Unexpected/],
    ['enum.ts', /enum is not supported/],
    ['missing_package.ts', /Cannot find package 'a-package-that-nobody-installed'/],
    ['missing_file.ts', /Cannot find module .*nowhere\.ts/],
    ['throws.ts', /Cannot read properties of undefined \(reading 'region'\)/],
    ['throws_proxy.ts', /unreadable/],
    ['endless_loop.ts', /took longer than 2 s.*endless loop/],
    ['endless_await.ts', /took longer than 2 s.*await/],
    ['endless_microtasks.ts', /took longer than 2 s/],
    ['fills_heap.ts', /more than 96 MB of heap/],
    ['exits.ts', /ended the process that read it \(exit code 0\)/],
    ['exits_behind_listeners.ts', /ended with exit code 0 before it had an answer/],
    ['kills_itself.ts', /was ended by SIGKILL/],
    ['native_crash.ts', /was ended by SIGSEGV.*native module it loaded last is .*crashes-\d+\.node/],
    ['noise_on_channel.ts', /sent something that is no answer/],
    ['nonsense_on_channel.ts', /sent something that is no answer: dags/],
    ['closes_channel.ts', /before it had an answer/],
    ['twenty_thousand_tasks.ts', /dag "large": has 20000 tasks, and at most 10000/],
    ['hundred_thousand_edges.ts', /dag "dense": has 124750 edges, and at most 100000/],
    ['cycle.ts', /dag "circle": its tasks wait for each other in a circle: a → b → a/],
    ['duplicate_task_ids.ts', /dag "twins": two tasks have the id "a"/],
    ['bad_dag_id.ts', /dagId: is not a valid dag id/],
    ['unknown_fields.ts', /dag "odd": .*code/],
    ['not_json.ts', /dag "big" cannot be turned into JSON: .*BigInt/],
    ['null_definition.ts', /a dag without an id/],
    ['seventeen_megabytes.ts', /the dags of this file are too large: the message has \d+ bytes/],
    ['twice_in_one_file.ts', /dag "twice": the file defines it twice/],
    ['same_id_2.ts', /dag "same" is also defined in same_id_1\.ts/],
    ['half_library.ts', /Cannot access 'half' before initialization/],
    ['commonjs_in_js.js', /module is not defined in ES module scope/],
    ['latin1.ts', /latin1\.ts is not UTF-8 text/],
    ['eleven_megabytes.ts', /the file has \d+ bytes; files over 10485760 bytes are data/],
    ['loop_a.ts', /cannot be read: ELOOP/],
  ])('%s has an import error that names the cause', (file, message) => {
    expect(sink.files.get(file)?.error?.error.message).toMatch(message);
  });

  test.each([
    ['syntax_error.ts', 3, 32],
    ['enum.ts', 1, 1],
    ['missing_package.ts', 1, 23],
    ['throws.ts', 2, 29],
  ])('%s has an import error at its place', (file, line, column) => {
    expect(sink.files.get(file)?.error?.error).toMatchObject({
      file,
      line,
      column,
      excerpt: expect.stringContaining(`> ${line} |`) as string,
    });
  });

  test('leaves every other file as it is', () => {
    const dags = ['curious in prints_environment.ts', 'deep in depth_10000.ts', 'good in good.ts', 'loud in prints_20_megabytes.ts'];
    const more = ['messy in side_effects.ts', 'mixed_1 in commonjs_mix.ts', 'parent in starts_processes.ts', 'same in same_id_1.ts'];
    expect(sink.dags.filter((dag) => !dag.startsWith('good_'))).toEqual([...dags, ...more]);
    expect(sink.dags.filter((dag) => dag.startsWith('good_'))).toHaveLength(GOOD_FILES);
    expect(sink.files.get('empty.ts')?.error).toBeUndefined();
  });

  test('leaves nothing behind that another file notices', () => {
    const traces = new Set(
      [...sink.files.values()]
        .flatMap(({ parsed }) => parsed?.dags ?? [])
        .map(({ dag }) => dag)
        .filter(({ dagId }) => dagId.startsWith('good_'))
        .map(({ description }) => description),
    );
    expect([...traces]).toEqual(['[1,true,null,null,false]']);
  });

  test('is read to the same end whether it is alone in its process or one of many', () => {
    expect(sink.files.size).toBe(aloneSink.files.size);
    for (const [file, saved] of sink.files) expect(comparable(saved), file).toEqual(comparable(aloneSink.files.get(file)));
  });

  test('that prints has little of it kept, as a warning', () => {
    const warnings = sink.files.get('prints_20_megabytes.ts')?.parsed?.warnings ?? [];
    expect(warnings).toEqual([expect.stringMatching(/^reading the file prints: line 0 /), expect.stringContaining('and an error\uFFFD')]);
    expect(warnings.join('').length).toBeLessThan(20_000);
  });

  test('that changes its process has that told as warnings, and changes nothing else', () => {
    expect(sink.files.get('side_effects.ts')?.parsed?.warnings.join('\n')).toMatch(
      /nobody listens[^]*folder is now \/[^]*variable PLANTED[^]*variable PATH[^]*prototype\.planted[^]*Timeout still open/,
    );
  });

  test('that starts processes does not leave them running', async () => {
    const [warning] = sink.files.get('starts_processes.ts')?.parsed?.warnings.filter((text) => text.includes('prints: started')) ?? [];
    const pid = Number(/started (\d+)/.exec(warning ?? '')?.[1]);
    expect(pid).toBeGreaterThan(1);
    await untilGone(pid);
  });

  test('finds no secret in its environment', () => {
    expect(JSON.stringify([...sink.files])).not.toContain(CANARY);
    expect(sink.files.get('prints_environment.ts')?.parsed?.warnings.join('')).toContain('NODE_COMPILE_CACHE');
  });

  test('leaves no process behind', () => {
    expect(readdirSync(path.join(stateFolder, 'children'))).toEqual([]);
  });
});

/** What was saved of a file, without the numbers and markers of processes. */
function comparable(saved: ReturnType<MemorySink['files']['get']>): string {
  const { parsed, error } = saved ?? {};
  const { stack: _stack, ...told } = error?.error ?? {};
  return JSON.stringify([parsed?.dags, parsed?.dependencies, parsed?.warnings, told]).replaceAll(/[\da-f]{8}-[\da-f-]{27}|\d{2,}/g, 'n');
}
