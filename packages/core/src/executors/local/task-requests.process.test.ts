import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { AttemptReport, LogRecord, TaskRequest, TaskResponse, TryOutcome, Workload } from '@tradewind/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { BundleVersion } from '../../dag-processor/bundle-scanner.ts';
import { Masker } from '../../model/masking/masker.ts';
import { ValueSealer } from '../../model/masking/value-sealer.ts';
import { systemClock } from '../../platform/clock.ts';
import { silentLog } from '../../platform/log.ts';
import { generateDataKey, SecretBox } from '../../platform/secret-box.ts';
import { taskLogFile } from '../../platform/task-log-file.ts';
import { createTestFolder, createWorkload, storeBundle, type TestTry } from '../testing/test-bundle.ts';
import { attemptKey } from './attempt-key.ts';
import { LocalExecutor } from './local-executor.ts';

const SECRET = 'hunter2-und-mehr';
const DAG_FILE = `
import { writeSync } from 'node:fs';
import { bash, dag } from '@tradewind/sdk';
export const asking = dag('asking', (d) => {
  d.task('variable', { run: (_, context) => context.variable('region') });
  d.task('many', { run: (_, context) => Promise.all(Array.from({ length: 200 }, (_, index) => context.variable('v' + index))) });
  d.task('others_work', { run: async (_, context) => {
    let turns = 0;
    const timer = setInterval(() => { turns += 1; }, 1);
    await context.variable('slow');
    clearInterval(timer);
    return turns > 0;
  } });
  d.task('forgets', { run: (_, context) => { void context.variable('never'); return process.pid; } });
  d.task('pid', { run: () => process.pid });
  d.task('floods', { run: () => {
    const attempt = { taskInstanceId: 'run_floods.floods', epoch: 1 };
    const body = (id) => JSON.stringify({ type: 'request', attempt, requestId: id, request: { kind: 'variable', key: 'never' } });
    for (let id = 1; id <= 17; id += 1) {
      const bytes = Buffer.from(body(id));
      const head = Buffer.alloc(4); head.writeUInt32BE(bytes.length);
      writeSync(3, Buffer.concat([head, bytes]));
    }
    return new Promise(() => {});
  } });
  d.task('prints', { run: (_, { log }) => {
    console.log('password is ${SECRET}');
    console.error(JSON.stringify({ p: '${SECRET}' }));
    log.info('as a field ${SECRET}', { value: ['${SECRET}'], db_password: 'anything' });
    process.stdout.write('in two ${SECRET.slice(0, 6)}');
    process.stdout.write('${SECRET.slice(6)} pieces\\n');
    console.log('x'.repeat(65_530) + '${SECRET}'.repeat(3));
  } });
  d.task('fails', { run: () => { throw new Error('no login with ${SECRET}'); } });
  d.task('fails_long', { run: () => { throw new Error('x'.repeat(8_185) + '${SECRET}'); } });
  d.task('dies', { run: () => { process.stderr.write('heap of ${SECRET}\\n'); process.kill(process.pid, 'SIGKILL'); return new Promise(() => {}); } });
  d.task('skips', { run: (_, { skip }) => skip('no ${SECRET} today') });
  d.task('returns', { run: () => ({ list: ['${SECRET}', 'open'], url: 'https://ada:${SECRET}@host', number: 7 }) });
  d.task('takes', { run: (inputs) => inputs });
  d.task('script', { ...bash({ command: 'echo "{{ var.value.region }}"' }) });
});`;

const folder = createTestFolder();
const stateFolder = path.join(folder.path, '.tradewind');
const logsFolder = path.join(folder.path, 'logs');
const waiting = new Map<string, (outcome: TryOutcome) => void>();
const masker = new Masker();
const keys = [generateDataKey()];
const box = new SecretBox(keys);
let version: BundleVersion;
let executor: LocalExecutor;
let asked: TaskRequest[];
let answer: (request: TaskRequest) => Promise<TaskResponse>;

beforeAll(async () => {
  const bundleFolder = path.join(folder.path, 'dags');
  const sdk = new URL('../../../../sdk/src/index.ts', import.meta.url).href;
  mkdirSync(bundleFolder);
  writeFileSync(path.join(bundleFolder, 'asking.ts'), DAG_FILE.replace('@tradewind/sdk', sdk));
  version = await storeBundle(bundleFolder, stateFolder);
  masker.add(SECRET);
  executor = new LocalExecutor({
    clock: systemClock,
    log: silentLog,
    stateFolder,
    logsFolder,
    maxHeapMegabytes: 64,
    parallelism: 2,
    services: {
      answer(_attempt, request) {
        asked.push(request);
        return answer(request);
      },
    },
    secrets: { masker, sealer: new ValueSealer(masker, box, () => Promise.resolve(box.replaceKeys(keys))) },
    onReport: (report: AttemptReport) => {
      if (report.type === 'ended') waiting.get(attemptKey(report.attempt))?.(report.outcome);
    },
  });
});

beforeEach(() => {
  asked = [];
  answer = (request) => Promise.resolve({ ok: true, value: request.kind === 'variable' ? `value of ${request.key}` : null });
});

afterAll(async () => {
  await executor.stop();
  folder[Symbol.dispose]();
});

async function run(one: Pick<TestTry, 'taskId'> & Partial<TestTry>, change: (workload: Workload) => Workload = (same) => same) {
  const workload = change(createWorkload({ version, file: 'asking.ts', dagId: 'asking', runId: `run_${one.taskId}`, ...one }));
  const ended = new Promise<TryOutcome>((resolve) => {
    waiting.set(attemptKey(workload.attempt), resolve);
  });
  executor.dispatch(workload);
  return ended;
}

function valueOf(outcome: TryOutcome): unknown {
  return outcome.result === 'success' ? (JSON.parse(outcome.valueJson) as unknown) : outcome;
}

/** A log follows its outcome; its last line is the supervisor's. */
async function readLog(taskId: string): Promise<string> {
  const file = taskLogFile(logsFolder, { dagId: 'asking', runId: `run_${taskId}`, taskId, mapIndex: -1, tryNumber: 1 });
  const read = async (): Promise<string> => {
    await executor.flushed();
    return readFileSync(file, 'utf8');
  };
  await expect.poll(read, { timeout: 10_000 }).toContain('task ended');
  return read();
}

describe('a task that asks', () => {
  test('is answered', async () => {
    expect(valueOf(await run({ taskId: 'variable' }))).toBe('value of region');
    expect(asked).toEqual([{ kind: 'variable', key: 'region' }]);
  });

  test('may ask more than goes at once', async () => {
    const values = valueOf(await run({ taskId: 'many' })) as string[];
    expect(values).toHaveLength(200);
    expect(values.at(-1)).toBe('value of v199');
  });

  test('goes on with other work meanwhile', async () => {
    answer = () =>
      new Promise((resolve) => {
        systemClock.setTimer(50, () => resolve({ ok: true, value: 'late' }));
      });
    expect(valueOf(await run({ taskId: 'others_work' }))).toBe(true);
  });

  test.each([
    ['forbidden', 'fail_without_retry'],
    ['not_found', 'error'],
    ['unavailable', 'error'],
  ] as const)('and hears %s fails as %s with what the environment says', async (code, kind) => {
    answer = () => Promise.resolve({ ok: false, code, message: 'the reason' });
    expect(await run({ taskId: 'variable', runId: code })).toMatchObject({
      failure: { kind, message: expect.stringContaining('the reason') as string },
    });
  });

  test('and does not wait leaves its process to nobody', async () => {
    answer = () => new Promise(() => {});
    const pid = valueOf(await run({ taskId: 'forgets' }));
    expect(await readLog('forgets')).toContain('1 requests to the environment that nobody waits for');
    const others = await Promise.all(['a', 'b', 'c'].map((runId) => run({ taskId: 'pid', runId })));
    expect(others.map(valueOf)).not.toContain(pid);
  });

  test('past its own side of the channel is ended', async () => {
    answer = () => new Promise(() => {});
    expect(await run({ taskId: 'floods' })).toMatchObject({
      failure: { kind: 'crashed', message: expect.stringContaining('asked for more at the same time') as string },
    });
    answer = () => Promise.resolve({ ok: true, value: 'value of region' });
    expect(valueOf(await run({ taskId: 'variable', runId: 'after_flood' }))).toBe('value of region');
  });

  test('in a template of its operator tells what it became', async () => {
    expect(valueOf(await run({ taskId: 'script' }))).toBe('value of region');
    expect(asked.at(-1)).toEqual({ kind: 'rendered_fields', fields: { command: 'echo "value of region"', args: [], env: {} } });
  });
});

describe('a secret', () => {
  test('stays out of the log, however it is printed', async () => {
    await run({ taskId: 'prints' });
    const log = await readLog('prints');
    expect(log).not.toMatch(/hunter2|und-mehr|anything/);
    const events = log
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as LogRecord);
    expect(events).toContainEqual(expect.objectContaining({ event: 'password is ***', logger: 'task.stdout' }));
    expect(events).toContainEqual(expect.objectContaining({ event: '{"p":"***"}', logger: 'task.stderr' }));
    expect(events).toContainEqual(expect.objectContaining({ event: 'as a field ***', value: ['***'], db_password: '***', logger: 'task' }));
    expect(events).toContainEqual(expect.objectContaining({ event: 'in two *** pieces' }));
  });

  test.each(['fails', 'fails_long', 'dies', 'skips'])('stays out of how the try ended: %s', async (taskId) => {
    const outcome = await run({ taskId });
    expect(JSON.stringify(outcome)).toContain('***');
    expect(JSON.stringify(outcome)).not.toMatch(/hunte|und-mehr/);
    expect(await readLog(taskId)).not.toMatch(/hunte|und-mehr/);
  });

  test('is passed on sealed, and reaches the next task as it was', async () => {
    const outcome = await run({ taskId: 'returns' });
    if (outcome.result !== 'success') throw new Error(JSON.stringify(outcome));
    expect(outcome.valueJson).not.toContain('hunter2');
    expect(JSON.parse(outcome.valueJson)).toMatchObject({
      list: [expect.stringMatching(/^tradewind:sealed:/) as string, 'open'],
      number: 7,
    });
    const received = await run({ taskId: 'takes' }, (workload) => ({ ...workload, inputsJson: { rows: outcome.valueJson } }));
    // What it returns holds the secret again, and is sealed again.
    const again = await run({ taskId: 'takes', runId: 'again' }, (workload) => ({
      ...workload,
      inputsJson: { rows: (received as { valueJson: string }).valueJson },
    }));
    expect(JSON.stringify(again)).not.toContain('hunter2');
  });

  test('that another process has sealed with a key of its own is opened all the same', async () => {
    keys.push(generateDataKey());
    const sealed = new ValueSealer(masker, new SecretBox(keys)).sealJson(JSON.stringify(['open', SECRET]));
    const outcome = await run({ taskId: 'takes', runId: 'rotated' }, (workload) => ({ ...workload, inputsJson: { rows: sealed } }));
    expect(valueOf(outcome)).toEqual({ rows: ['open', expect.stringContaining(`:${keys.at(-1)?.id}:`)] });
  });

  test('that does not open fails the try, saying so', async () => {
    const sealed = JSON.stringify('tradewind:sealed:tw1:none:AAAAAAAAAAAAAAAA:AAAA');
    const outcome = await run({ taskId: 'takes', runId: 'lost' }, (workload) => ({ ...workload, inputsJson: { rows: sealed } }));
    expect(outcome).toMatchObject({
      failure: { kind: 'error', message: expect.stringContaining('the task’s inputs could not be handed over') as string },
    });
  });
});
