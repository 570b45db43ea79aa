import { readFileSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { MAX_LOG_LINE_BYTES, type AttemptReport, type LogRecord, type TryOutcome } from '@tradewind/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BundleVersion } from '../../dag-processor/bundle-scanner.ts';
import { systemClock } from '../../platform/clock.ts';
import { silentLog } from '../../platform/log.ts';
import { taskLogFile } from '../../platform/task-log-file.ts';
import { createTestFolder, createWorkload, storeBundle, type TestTry } from '../testing/test-bundle.ts';
import { attemptKey } from './attempt-key.ts';
import { LocalExecutor } from './local-executor.ts';
import { MAX_TASK_LOG_BYTES } from './task-log.ts';
import { untilGone } from '../../platform/testing/until-gone.ts';

const HOSTILE_FOLDER = path.resolve(import.meta.dirname, '../hostile');
const folder = createTestFolder();
const stateFolder = path.join(folder.path, '.tradewind');
const logsFolder = path.join(folder.path, 'logs');
const waiting = new Map<string, (outcome: TryOutcome) => void>();
let version: BundleVersion;
let executor: LocalExecutor;

beforeAll(async () => {
  version = await storeBundle(HOSTILE_FOLDER, stateFolder);
  const onReport = (report: AttemptReport): void => {
    if (report.type === 'ended') waiting.get(attemptKey(report.attempt))?.(report.outcome);
  };
  const options = { clock: systemClock, log: silentLog, stateFolder, logsFolder, onReport };
  executor = new LocalExecutor({ ...options, writesQuietLogs: true, maxHeapMegabytes: 64, parallelism: 3, graceMs: 100 });
});

afterAll(async () => {
  await executor.stop();
  expect(runningChildren()).toEqual([]);
  folder[Symbol.dispose]();
});

describe('a hostile task', () => {
  test.each<[string, string, RegExp, Partial<TestTry>?]>([
    ['ignores_sigterm', 'timeout', /executionTimeout of 0\.2 s/, { executionTimeoutMs: 200 }],
    ['loops', 'timeout', /executionTimeout/, { executionTimeoutMs: 200 }],
    ['loops_in_microtasks', 'timeout', /executionTimeout/, { executionTimeoutMs: 200 }],
    ['fills_heap', 'out_of_memory', /more than 64 MB of heap/],
    ['recurses', 'error', /Maximum call stack size exceeded/],
    ['exits_with_0', 'no_result', /exit code 0 before the task returned/],
    ['exits_behind_listeners', 'no_result', /exit code 0 before it reported a result/],
    ['exits_with_9', 'crashed', /exit code 9/],
    ['aborts', 'crashed', /SIGABRT/],
    ['dies_of_segmentation_fault', 'crashed', /SIGSEGV/],
    ['throws_in_timer', 'error', /nobody caught it: thrown in a timer/],
    ['rejects_unhandled', 'error', /nobody handled it: nobody listens/],
    ['throws_null', 'error', /not an Error: null/],
    ['throws_proxy', 'error', /not an Error|cannot be read/],
    ['writes_noise_to_channel', 'crashed', /something that is no message/],
    ['announces_4_gigabytes', 'crashed', /something that is no message: a message of 4294967280 bytes/],
    ['sends_unknown_message', 'crashed', /something that is no message/],
    ['closes_channel', 'crashed', /closed its channel|exit code/],
    ['breaks_json', 'crashed', /something that is no message/],
    ['returns_function', 'bad_value', /is a function/],
    ['returns_symbol', 'bad_value', /is a symbol/],
    ['returns_map', 'bad_value', /instance of Map/],
    ['returns_nan', 'bad_value', /\$\.price is NaN/],
    ['returns_minus_zero', 'bad_value', /is -0/],
    ['returns_bigint', 'bad_value', /is a BigInt/],
    ['returns_circle', 'bad_value', /\$\.self refers back/],
    ['returns_nine_megabytes', 'bad_value', /9000002 bytes/],
    ['returns_deep', 'bad_value', /more than 200 levels/],
    ['returns_prototype_key', 'bad_value', /\$\.__proto__/],
  ])('%s fails as %s, the message says why, and others go on', async (taskId, kind, message, more = {}) => {
    const bystander = run({ taskId: 'bystander', runId: `beside_${taskId}` });
    const outcome = await run({ taskId, ...more });
    expect(outcome).toMatchObject({ result: 'failed', failure: { kind, message: expect.stringMatching(message) as string } });
    expect(valueOf(await bystander)).toBe('fine');
    expect(valueOf(await run({ taskId: 'bystander', runId: `after_${taskId}` }))).toBe('fine');
  });

  test('that started a process which ignores SIGTERM takes it along', async () => {
    expect(await run({ taskId: 'starts_stubborn_child' })).toMatchObject({
      failure: { kind: 'crashed', message: expect.stringContaining('exit code 5') as string },
    });
    const pid = pidIn(await readLog('starts_stubborn_child'), 'child');
    await untilGone(pid);
  });

  test('that started a daemon fails as it would have, and its log says that something goes on', async () => {
    const outcome = await run({ taskId: 'starts_daemon' });
    const log = await readLog('starts_daemon');
    process.kill(pidIn(log, 'daemon'), 'SIGKILL');
    expect(outcome).toMatchObject({ failure: { kind: 'crashed', message: expect.stringContaining('SIGKILL') as string } });
    expect(log.map(({ event }) => event)).toContain('the task started a process that left its process group and goes on');
  });

  test('that succeeds and then ends its process has succeeded, and the next one does not suffer', async () => {
    expect(valueOf(await run({ taskId: 'dies_after_success' }))).toBe('done');
    expect(valueOf(await run({ taskId: 'bystander', runId: 'after_death' }))).toBe('fine');
  });

  test.each(['leaks_interval', 'leaks_server', 'pollutes_prototype', 'closes_stdout'])(
    '%s succeeds, and its process is not used again',
    async (taskId) => {
      const before = await processOf(`before_${taskId}`);
      expect(valueOf(await run({ taskId }))).toBe('done');
      const after = await Promise.all([1, 2, 3].map((index) => processOf(`after_${taskId}_${index}`)));
      expect(after.map(({ pid }) => pid)).not.toContain(before.pid);
      expect(after.map(({ polluted }) => polluted)).toEqual([null, null, null]);
    },
  );

  test('that changes the working folder and the environment changes them for itself alone', async () => {
    const before = await processOf('before_changes');
    expect(valueOf(await run({ taskId: 'changes_process' }))).toBe('done');
    expect(await processOf('after_changes')).toEqual(before);
  });

  test('finds no variable in its environment that could hold a secret', async () => {
    const { variables } = await processOf('variables');
    const harmless = new Set(['HOME', 'LANG', 'NODE_COMPILE_CACHE', 'PATH', 'TMPDIR', 'TRADEWIND_CHILD', 'TZ']);
    expect(variables.filter((name) => !harmless.has(name))).toEqual([]);
  });

  test('cannot report for another attempt', async () => {
    expect(valueOf(await run({ taskId: 'ends_another_attempt' }))).toBe('honest');
  });

  test('that prints 300 MB neither fills the disk nor the memory, and its log says how much is missing', async () => {
    const before = process.memoryUsage().rss;
    let highest = before;
    const sampling = setInterval(() => {
      highest = Math.max(highest, process.memoryUsage().rss);
    }, 20);
    expect(valueOf(await run({ taskId: 'prints_300_megabytes' }))).toBe(300 * 1_048_576);
    clearInterval(sampling);
    await executor.flushed();
    expect(statSync(logOf('prints_300_megabytes')).size).toBeLessThan(MAX_TASK_LOG_BYTES + 65_536);
    const ends = (await readLog('prints_300_megabytes')).slice(-2).map(({ event }) => event);
    expect(ends).toEqual([expect.stringMatching(/^\d{8,} bytes of output were dropped/), 'task ended']);
    expect((highest - before) / 1_048_576).toBeLessThan(200);
  });

  test('that prints one endless line has its beginning kept', async () => {
    await run({ taskId: 'prints_one_line_of_20_megabytes' });
    const line = (await readLog('prints_one_line_of_20_megabytes')).find(({ logger }) => logger === 'task.stdout');
    expect(line?.event).toMatch(new RegExp(`^x{${MAX_LOG_LINE_BYTES}}x?… truncated \\d+ bytes$`));
  });

  test('that prints bytes, escapes and carriage returns has them kept as text', async () => {
    await run({ taskId: 'prints_bytes' });
    const lines = (await readLog('prints_bytes')).filter(({ logger }) => logger === 'task.stdout').map(({ event }) => event);
    expect(lines).toEqual([
      '\uFFFD\uFFFD\0A',
      '10%',
      '20%',
      '\u001B[31mred\u001B]8;;http://evil\u0007link',
      '<script>alert(1)</script>',
      '',
      'no line break',
    ]);
  });

  test.each(['prints_and_returns', 'prints_and_exits'])('%s loses no line of it, and none goes to another log', async (taskId) => {
    const next = run({ taskId }).then(() => run({ taskId: 'bystander', runId: `after_${taskId}` }));
    await next;
    const lines = (await readLog(taskId)).filter(({ logger }) => logger === 'task.stdout');
    expect(lines).toHaveLength(20_000);
    expect(lines.at(-1)?.event).toMatch(/^line 19999 /);
    expect((await readLog('bystander', `after_${taskId}`)).filter(({ logger }) => logger === 'task.stdout')).toEqual([]);
  });

  test('that prints what looks like our own marks has them kept as its output', async () => {
    await run({ taskId: 'prints_marks' });
    const lines = (await readLog('prints_marks')).filter(({ logger }) => logger === 'task.stdout').map(({ event }) => event);
    expect(lines.at(-1)).toBe('after the marks');
    expect(lines.filter((line) => line.includes('outputEndOf') || line.includes('not json') || line.includes('loud'))).toHaveLength(3);
  });
});

async function run(one: Pick<TestTry, 'taskId'> & Partial<TestTry>): Promise<TryOutcome> {
  const workload = createWorkload({ version, file: 'tasks.ts', dagId: 'hostile', ...one });
  const ended = new Promise<TryOutcome>((resolve) => waiting.set(attemptKey(workload.attempt), resolve));
  executor.dispatch(workload);
  return ended;
}

async function processOf(runId: string): Promise<{ pid: number; folder: string; variables: string[]; polluted: string | null }> {
  return valueOf(await run({ taskId: 'report_process', runId })) as Awaited<ReturnType<typeof processOf>>;
}

function valueOf(outcome: TryOutcome): unknown {
  return outcome.result === 'success' ? JSON.parse(outcome.valueJson) : outcome;
}

function logOf(taskId: string, runId = 'run'): string {
  return taskLogFile(logsFolder, { dagId: 'hostile', runId, taskId, mapIndex: -1, tryNumber: 1 });
}

/** The log of a try that has ended, complete: its last record says so. */
async function readLog(taskId: string, runId?: string): Promise<LogRecord[]> {
  for (;;) {
    await executor.flushed();
    const records = readFileSync(logOf(taskId, runId), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as LogRecord);
    if (records.at(-1)?.event === 'task ended') return records;
    await new Promise(setImmediate);
  }
}

/** The process that printed `<name> <pid>`. */
function pidIn(log: readonly LogRecord[], name: string): number {
  const pid = Number(log.find(({ event }) => event.startsWith(`${name} `))?.event.slice(name.length + 1));
  expect(pid).toBeGreaterThan(1);
  return pid;
}

function runningChildren(): string[] {
  try {
    return readdirSync(path.join(stateFolder, 'children'));
  } catch {
    return [];
  }
}
