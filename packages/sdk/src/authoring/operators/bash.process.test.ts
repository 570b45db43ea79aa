import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { JsonObject } from '@tradewind/protocol';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { runDag } from '../../testing/index.ts';
import { bash, type BashOptions } from './bash.ts';
import { dag } from '../dag.ts';
import type { Inputs } from '../task-spec.ts';
import { runScript } from './run-script.ts';

let folder = '';
let output = '';

beforeEach(() => {
  folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'tradewind-bash-test-')));
  output = '';
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, 'write').mockImplementation((chunk) => {
      output += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8');
      return true;
    });
  }
});

afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs one bash task in a dag. */
async function runBash(
  options: string | BashOptions,
  { inputs = {}, params = {}, signal }: { inputs?: Inputs; params?: JsonObject; signal?: AbortSignal } = {},
) {
  const schemas = Object.fromEntries(Object.keys(params).map((name) => [name, {}]));
  const script = dag('orders', { params: schemas }, (d) => {
    d.task('script', { ...bash(typeof options === 'string' ? { command: options } : options), inputs });
  });
  return (await runDag(script, { params, ...(signal === undefined ? {} : { signal }) })).task('script');
}

describe('the value', () => {
  test.each([
    ['the last line on standard output', 'echo one; echo two', 'two'],
    ['its last line, whether or not it ends', 'printf "one\\ntwo"', 'two'],
    ['without white space at its end', 'printf "two \\r\\n"', 'two'],
    ['nothing where nothing was printed', 'true', ''],
    ['nothing where the last line is blank', 'echo one; echo', ''],
    ['not what went to standard error', 'echo one; echo two >&2', 'one'],
    ['text as UTF-8', 'echo "Größe: 3 €"', 'Größe: 3 €'],
  ])('is %s', async (_, command, value) => {
    expect(await runBash(command)).toMatchObject({ state: 'success', value });
  });

  test('is no more than a value can be, and the try fails where it would be cut', async () => {
    const result = await runBash('head -c 9000000 /dev/zero | tr "\\0" x');
    expect(result).toMatchObject({ state: 'failed', error: { kind: 'bad_value' } });
    expect(output.length).toBe(9_000_001);
  });
});

describe('the exit code', () => {
  test('99 skips the task', async () => {
    expect(await runBash('echo no; exit 99')).toMatchObject({
      state: 'skipped',
      skipReason: 'the script ended with exit code 99, which skips',
    });
  });

  test('other than 0 fails the try, with the last line on standard error', async () => {
    const result = await runBash('echo out; echo first >&2; echo "no such file" >&2; exit 3');
    expect(result.error).toMatchObject({
      kind: 'error',
      message: 'the script ended with exit code 3; the last line on its standard error: no such file',
    });
  });

  test('is none where a signal ended the script', async () => {
    expect((await runBash('kill -9 $$')).error?.message).toBe('the script was ended by SIGKILL');
  });
});

describe('values', () => {
  test('reach the script as environment variables: text as it is, the rest as JSON', async () => {
    const inputs = { file: 'a b.csv', rows: [1, { ok: true }], none: null, totalCount: 3 };
    const result = await runBash(
      'echo "$INPUT_FILE|$INPUT_ROWS|$INPUT_NONE|$INPUT_TOTALCOUNT|$PARAM_MY_REGION|$TRADEWIND_DAG_ID.$TRADEWIND_TASK_ID#$TRADEWIND_TRY_NUMBER"',
      {
        inputs,
        params: { 'my-region': 'eu' },
      },
    );
    expect(result.value).toBe('a b.csv|[1,{"ok":true}]|null|3|eu|orders.script#1');
  });

  test('never become code', async () => {
    const hostile = `"; touch ${folder}/owned; $(touch ${folder}/owned) \`touch ${folder}/owned\` '`;
    const result = await runBash('echo "$INPUT_NAME"; echo $PARAM_NAME > /dev/null; echo "$INPUT_NAME"', {
      inputs: { name: hostile },
      params: { name: hostile },
    });
    expect(result.value).toBe(hostile);
    expect(existsSync(`${folder}/owned`)).toBe(false);
  });

  test('that are missing have no variable', async () => {
    const script = dag('orders', (d) => {
      const rows = d.task('rows', { run: (_, context) => context.skip('none') });
      d.task('script', { ...bash({ command: 'echo "${INPUT_ROWS-missing}"' }), inputs: { rows }, triggerRule: 'all_done' });
    });
    expect((await runDag(script)).task('script').value).toBe('missing');
  });

  test.each([
    [
      'are too large for a variable',
      { rows: 'x'.repeat(131_072) },
      'input "rows" takes 131083 bytes as $INPUT_ROWS, and at most 131071 fit',
    ],
    ['contain NUL', { rows: 'a\0b' }, 'input "rows" contains the character NUL'],
    ['would share a name', { rows: 1, ROWS: 2 }, 'two inputs would both be $INPUT_ROWS; rename input "ROWS"'],
  ])('fail the task for good where they %s', async (_, inputs, message) => {
    expect((await runBash('true', { inputs })).error).toMatchObject({
      kind: 'fail_without_retry',
      message: expect.stringContaining(message) as string,
    });
  });

  test('of a size just below the limit pass', async () => {
    const rows = 'x'.repeat(131_071 - 'INPUT_ROWS='.length);
    expect((await runBash('echo "${#INPUT_ROWS}"', { inputs: { rows } })).value).toBe(String(rows.length));
  });
});

describe('args, env and cwd', () => {
  test('are the script’s own', async () => {
    const result = await runBash(
      { command: 'echo "$1|$2|$#|$COLOUR|$INPUT_X|$PWD"', args: ['a b', '$(id)'], env: { COLOUR: 'blue', INPUT_X: 'own' }, cwd: folder },
      { inputs: { x: 'input' } },
    );
    expect(result.value).toBe(`a b|$(id)|2|blue|own|${folder}`);
  });

  test('without cwd it runs in a new folder, which is removed', async () => {
    const result = await runBash('touch made; pwd');
    expect(result.value).toMatch(/tradewind-bash-/);
    expect(existsSync(result.value as string)).toBe(false);
  });

  test('a folder that does not exist fails the try', async () => {
    const result = await runBash({ command: 'true', cwd: `${folder}/nowhere` });
    expect(result.error?.message).toBe(
      `bash cannot be started in ${folder}/nowhere: either the folder does not exist or bash is not installed where PATH looks`,
    );
  });
});

describe('output', () => {
  test('is passed on as it comes, both streams, ending with the end of a line', async () => {
    const running = runBash(`echo started; echo warned >&2; until [ -e ${folder}/go ]; do sleep 0.01; done; printf ended`);
    await vi.waitFor(() => {
      expect(output).toContain('started\n');
      expect(output).toContain('warned\n');
    });
    writeFileSync(`${folder}/go`, '');
    await running;
    expect(output.endsWith('ended\n')).toBe(true);
  });
});

describe('processes of the script', () => {
  const pidIn = (file: string): number => Number(readFileSync(path.join(folder, file), 'utf8'));
  // A process that nobody has waited for yet is still in the table, but it runs no more.
  const isRunning = (pid: number): boolean => {
    try {
      process.kill(pid, 0);
      return !existsSync('/proc/self') || !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
    } catch {
      return false;
    }
  };
  const gone = (pid: number) =>
    vi.waitFor(() => {
      expect(isRunning(pid)).toBe(false);
    }, 10_000);

  test('that it left in the background end with the try', async () => {
    const result = await runBash({ command: 'sleep 1000 > /dev/null 2>&1 & echo $! > left; echo done', cwd: folder });
    expect(result.value).toBe('done');
    await gone(pidIn('left'));
  });

  test('that it left in the background and that ignore SIGTERM end with it, too', async () => {
    const command = '(trap "" TERM; sleep 1000) > /dev/null 2>&1 & echo $! > left';
    await runScript({ command, args: [], env: process.env, cwd: folder, signal: new AbortController().signal, graceSeconds: 1_000 });
    await gone(pidIn('left'));
  });

  test('that hold its output after its end do not hold up the try', async () => {
    const result = await runBash({ command: 'sleep 1000 & echo $! > left; echo done', cwd: folder });
    expect(result.value).toBe('done');
    await gone(pidIn('left'));
  });

  test('leave no pipe open in this process', async () => {
    const entry = path.join(folder, 'worker.ts');
    writeFileSync(
      entry,
      `import { runScript } from ${JSON.stringify(path.resolve(import.meta.dirname, 'run-script.ts'))};
       const script = { command: 'true', args: [], env: process.env, cwd: ${JSON.stringify(folder)}, signal: new AbortController().signal };
       void [process.stdout, process.stderr];
       const before = process.getActiveResourcesInfo();
       for (let round = 0; round < 5; round += 1) await runScript(script);
       console.log(JSON.stringify([before.length, process.getActiveResourcesInfo().length]));`,
    );
    const { stdout } = await promisify(execFile)(process.execPath, [entry]);
    const [before, after] = JSON.parse(stdout) as [number, number];
    expect(after).toBe(before);
  });

  test('may finish what they print just after its end', async () => {
    const result = await runBash('echo early > >(sleep 0.1; cat; echo late)');
    expect(result.value).toBe('late');
  });

  test('all end when the signal aborts, and the script can clean up', async () => {
    const controller = new AbortController();
    const running = runBash(
      { command: 'trap "echo cleaned > cleaned; exit 0" TERM; sleep 1000 & echo $! > left; wait', cwd: folder },
      { signal: controller.signal },
    );
    await vi.waitFor(() => pidIn('left') > 0 || expect.unreachable());
    controller.abort('cancelled by a person');
    expect((await running).error?.message).toBe('the script was ended: cancelled by a person');
    expect(readFileSync(`${folder}/cleaned`, 'utf8')).toBe('cleaned\n');
    await gone(pidIn('left'));
  });

  test('that ignore SIGTERM end after the grace', async () => {
    const controller = new AbortController();
    const command = 'trap "" TERM; echo $$ > self; while true; do sleep 1000; done';
    const running = runScript({ command, args: [], env: process.env, cwd: folder, signal: controller.signal, graceSeconds: 0.1 });
    await vi.waitFor(() => pidIn('self') > 0 || expect.unreachable());
    controller.abort('enough');
    await expect(running).rejects.toThrow('the script was ended: enough');
    await gone(pidIn('self'));
  });

  test('end when the process that runs the task is killed', async () => {
    const entry = path.join(folder, 'worker.ts');
    const script = path.resolve(import.meta.dirname, 'run-script.ts');
    writeFileSync(
      entry,
      `import { runScript } from ${JSON.stringify(script)};
       await runScript({ command: 'echo $$ > self; sleep 1000', args: [], env: process.env, cwd: ${JSON.stringify(folder)}, signal: new AbortController().signal });`,
    );
    const worker = spawn(process.execPath, [entry], { stdio: 'ignore' });
    await vi.waitFor(() => pidIn('self') > 0 || expect.unreachable(), 10_000);
    worker.kill('SIGKILL');
    await gone(pidIn('self'));
  });

  test('are not even started where the signal has aborted', async () => {
    const result = await runBash({ command: 'touch started', cwd: folder }, { signal: AbortSignal.abort('too late') });
    expect(result.error?.message).toBe('the script was ended: too late');
    expect(existsSync(`${folder}/started`)).toBe(false);
  });
});

describe('a template', () => {
  test('puts values in without letting them become a part of the script', async () => {
    const result = await runBash(
      {
        command: 'printf "%s|" "{{ params.name }}" {{ inputs.word }} "$1" "$PLACE"',
        args: ['{{ params.name }}'],
        env: { PLACE: 'in {{ params.name }}' },
      },
      { params: { name: '"; echo pwned #$(id)`id`' }, inputs: { word: '$HOME' } },
    );
    const name = '"; echo pwned #$(id)`id`';
    expect(result.value).toBe(`${name}|$HOME|${name}|in ${name}|`);
  });

  test('between single quotes is refused when the dag is defined', () => {
    expect(() => bash({ command: "echo '{{ ds }}'" })).toThrow('between single quotes');
  });

  test('that cannot be rendered fails the try', async () => {
    expect(await runBash('echo {{ ds }}')).toMatchObject({
      state: 'failed',
      error: { message: 'TemplateError: field "command" cannot be rendered: undefined variable: ds, line:1, col:9' },
    });
  });
});
