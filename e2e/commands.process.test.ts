import { existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { processesIn, REPOSITORY, startTradewind, tradewind, type CommandOptions } from './command.ts';
import { copyFleet, type FleetCopy } from './fleet-copy.ts';

interface EnvironmentFile {
  readonly pid: number;
  readonly address: string;
}

const readEnvironmentFile = (folder: string): EnvironmentFile =>
  JSON.parse(readFileSync(path.join(folder, '.tradewind/environment.json'), 'utf8')) as EnvironmentFile;

describe('dags test', () => {
  test('from the root of the repository finds the dag in the example fleet, prints what its tasks print, and ends with 0', async () => {
    const { exitCode, stdout } = await tradewind(['dags', 'test', 'etl_orders'], { cwd: REPOSITORY });
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^\[load\] Total order value is: 1236\.70\netl_orders success in \d+ m?s\n$/);
  });

  test('needs no database, and leaves neither one nor a process', async () => {
    using fleet = copyFleet();
    const { exitCode } = await tradewind(['dags', 'test', 'etl_orders'], { cwd: fleet.customers });
    expect(exitCode).toBe(0);
    expect(existsSync(path.join(fleet.customers, '.tradewind/database.sqlite'))).toBe(false);
    expect(processesIn(fleet.folder)).toEqual([]);
  });

  test('ends with 1 where the run fails, and says why', async () => {
    using fleet = copyFleet();
    const args = ['dags', 'test', 'customer_profile', '--conf', '{"total": 2, "customers": []}'];
    const { exitCode, stdout } = await tradewind(args, { cwd: fleet.folder });
    expect(exitCode).toBe(1);
    expect(stdout).toContain('[build_profiles] failed (fail_without_retry): the event says 2 customers and brings 0\n');
    expect(stdout).toMatch(/customer_profile failed in [\d.]+ m?s\n$/);
  });

  test('ends with 2 where the conf does not fit, naming each param', async () => {
    const { exitCode, stderr } = await tradewind(['dags', 'test', 'customer_profile', '--conf', '{"total": "x", "colour": 1}'], {
      cwd: REPOSITORY,
    });
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(
      /^tradewind: the params of dag "customer_profile" do not fit: .*\$\.colour.*\$\.total.*\$\.customers has no value/,
    );
  });

  test('shows the files that cannot be read where the dag is not found', async () => {
    using fleet = copyFleet();
    const broken = path.join(fleet.customers, 'dags/broken.ts');
    const { writeFileSync } = await import('node:fs');
    writeFileSync(broken, 'export const x = ;\n');
    const { exitCode, stderr } = await tradewind(['dags', 'test', 'nowhere'], { cwd: fleet.customers });
    expect(exitCode).toBe(3);
    expect(stderr).toContain('dags/broken.ts:1:18: ');
    expect(stderr).toContain('> 1 | export const x = ;\n');
  });
});

describe('exit codes and messages', () => {
  let fleet: FleetCopy;
  beforeAll(() => {
    fleet = copyFleet();
  });
  afterAll(() => {
    fleet[Symbol.dispose]();
  });
  const cases: [string, string[], number, RegExp][] = [
    [
      'an unknown dag',
      ['dags', 'show', 'nope'],
      3,
      /^tradewind: there is no dag "nope" in customers \(.+\) or profiles \(.+\); "tradewind dags list"/,
    ],
    ['what cannot be a dag id', ['dags', 'trigger', 'a b'], 2, /^tradewind: "a b" is no dag id/],
    [
      'a conf that is not JSON',
      ['dags', 'trigger', 'etl_orders', '--conf', '{'],
      2,
      /^tradewind: option '-c, --conf <json>' argument '\{' is invalid\. It is not JSON/,
    ],
    ['a conf that does not fit', ['dags', 'trigger', 'customer_profile', '--conf', '{}'], 2, /^tradewind: profiles: The conf does not fit/],
    [
      'what cannot be a run id',
      ['dags', 'trigger', 'etl_orders', '--run-id', 'a/b'],
      2,
      /^tradewind: customers: The run id 'a\/b' cannot be used/,
    ],
    [
      'what cannot be a date',
      ['dags', 'trigger', 'etl_orders', '--logical-date', 'soon'],
      2,
      /^tradewind: customers: logical_date: Input should be a valid datetime/,
    ],
    ['a run that is not there', ['tasks', 'logs', 'etl_orders', 'load', 'none'], 3, /^tradewind: customers: .*run_id: `none`/],
    ['a wait where nothing runs', ['dags', 'trigger', 'etl_orders', '--wait'], 2, /^tradewind: --wait needs the environment to run/],
    [
      'an environment that is not named',
      ['dags', 'list'],
      2,
      /^tradewind: this is a fleet of 2 environments; choose one with --folder: customers, profiles/,
    ],
    ['a command that there is not', ['dags', 'lis'], 2, /^tradewind: unknown command 'lis'\n\(Did you mean list\?\)/],
    ['an option that there is not', ['version', '--long'], 2, /^tradewind: unknown option '--long'/],
  ];
  test.each(cases)('%s ends with its code and a sentence that says what to do', async (_, args, expected, message) => {
    const { exitCode, stdout, stderr } = await tradewind(args, { cwd: fleet.folder });
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(stdout).toBe('');
    expect(exitCode).toBe(expected);
  });

  test('a run id that is taken ends with 5', async () => {
    const trigger = () => tradewind(['dags', 'trigger', 'etl_orders', '--run-id', 'first', '-o', 'json'], { cwd: fleet.folder });
    expect(await trigger()).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('customers does not run') as unknown });
    expect(await trigger()).toMatchObject({ exitCode: 5, stderr: expect.stringContaining("run_id 'first' exists already") as unknown });
  });

  test('a stack trace is printed only where it is asked for', async () => {
    const { stderr } = await tradewind(['dags', 'show', 'nope', '--verbose'], { cwd: fleet.folder });
    expect(stderr).toMatch(/\n\s+at /);
  });
});

describe('an environment that runs', () => {
  let fleet: FleetCopy;
  beforeAll(() => {
    fleet = copyFleet();
  });
  afterAll(() => {
    fleet[Symbol.dispose]();
  });
  const inCustomers = (variables = {}): CommandOptions => ({ cwd: fleet.customers, variables });

  test('is run by one process: a second one is told by which', async () => {
    await using first = startTradewind(['standalone'], inCustomers());
    await first.shows('user admin, password');
    const second = await tradewind(['standalone'], inCustomers());
    expect(second.exitCode).toBe(5);
    expect(second.stderr).toContain(`is already run by process ${first.pid}`);
    expect((await first.end('SIGTERM')).exitCode).toBe(0);
    expect(existsSync(path.join(fleet.customers, '.tradewind/environment.json'))).toBe(false);
    expect(processesIn(fleet.folder)).toEqual([]);
  });

  test('refuses a port that is taken, where it was asked for', async () => {
    await using first = startTradewind(['standalone'], inCustomers());
    await first.shows('customers is at');
    const port = new URL(readEnvironmentFile(fleet.customers).address).port;
    const second = await tradewind(['standalone', '--folder', fleet.profiles], inCustomers({ TRADEWIND__API__PORT: port }));
    expect(second).toMatchObject({
      exitCode: 5,
      stderr: expect.stringContaining(`port ${port} on 127.0.0.1 is used by another program`) as unknown,
    });
  });

  test('gives the same JSON as one that does not run', async () => {
    const questions = [
      ['dags', 'list'],
      ['dags', 'list-runs', 'etl_orders'],
      ['dags', 'list-import-errors'],
      ['dags', 'show', 'etl_orders'],
      ['tasks', 'list', 'customer_master'],
      ['tasks', 'logs', 'etl_orders', 'load', 'compared'],
      ['db', 'check'],
    ];
    const ask = (): Promise<string[]> =>
      Promise.all(
        questions.map(async (question) => {
          const { exitCode, stdout, stderr } = await tradewind([...question, '-o', 'json'], inCustomers());
          expect(stderr).toBe('');
          expect(exitCode).toBe(0);
          return stdout;
        }),
      );
    await using environment = startTradewind(['standalone'], inCustomers());
    await environment.shows('customers is at');
    const trigger = ['dags', 'trigger', 'etl_orders', '--run-id', 'compared', '--wait', '--timeout', '30', '-o', 'json'];
    const { exitCode, stdout } = await tradewind(trigger, inCustomers());
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject([{ dag_id: 'etl_orders', dag_run_id: 'compared', state: 'success' }]);
    const whileRunning = await ask();
    await environment.end('SIGTERM');
    const whileStopped: string[] = [];
    for (const question of questions) {
      whileStopped.push((await tradewind([...question, '-o', 'json'], inCustomers())).stdout);
    }
    expect(whileStopped).toEqual(whileRunning);
    expect(whileRunning[5]).toContain('Total order value is: 1236.70');
  });

  test('starts the run that was asked for while it did not run', async () => {
    await tradewind(['dags', 'trigger', 'etl_orders', '--run-id', 'queued'], inCustomers());
    await using environment = startTradewind(['standalone'], inCustomers());
    await environment.shows('customers is at');
    const states = async (): Promise<unknown> => {
      const { stdout } = await tradewind(['dags', 'list-runs', 'etl_orders', '--state', 'success', '-o', 'json'], inCustomers());
      return (JSON.parse(stdout) as { dag_run_id: string }[]).map(({ dag_run_id }) => dag_run_id);
    };
    await expect.poll(states, { timeout: 20_000 }).toContain('queued');
  });

  test('ends a wait as the run does, and after the time that it is given', async () => {
    await using environment = startTradewind(['standalone'], { cwd: fleet.profiles });
    await environment.shows('profiles is at');
    await untilKnown(fleet.profiles, 'customer_profile');
    const conf = '{"total": 1, "customers": []}';
    const failed = await tradewind(['dags', 'trigger', 'customer_profile', '--conf', conf, '--wait'], { cwd: fleet.profiles });
    expect(failed.exitCode).toBe(1);
    expect((await tradewind(['dags', 'pause', 'customer_profile'], { cwd: fleet.profiles })).stdout).toMatch(/customer_profile +true/);
    const waiting = ['dags', 'trigger', 'customer_profile', '--conf', conf, '--wait', '--timeout', '0.2'];
    const timedOut = await tradewind(waiting, { cwd: fleet.profiles });
    expect(timedOut.exitCode).toBe(6);
    expect(timedOut.stderr).toContain('the dag is paused');
  });

  test('answers 401 to a wrong password', async () => {
    await using environment = startTradewind(['standalone'], inCustomers());
    await environment.shows('customers is at');
    const { address } = readEnvironmentFile(fleet.customers);
    const response = await fetch(`${address}/auth/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ username: 'admin', password: 'wrong' }),
    });
    expect(response.status).toBe(401);
  });
});

describe('output', () => {
  test('is empty JSON, and a word to people, where there is nothing', async () => {
    using fleet = copyFleet();
    rmSync(path.join(fleet.customers, 'dags/etl_orders.ts'));
    rmSync(path.join(fleet.customers, 'dags/customer_master.ts'));
    expect(await tradewind(['dags', 'list', '-o', 'json'], { cwd: fleet.customers })).toMatchObject({
      exitCode: 0,
      stdout: '[]\n',
      stderr: '',
    });
    const table = await tradewind(['dags', 'list'], { cwd: fleet.customers });
    expect(table.stdout).toBe('');
    expect(table.stderr).toContain('no dag files in ');
  });

  test('has no colour and no header where the shell reads it', async () => {
    using fleet = copyFleet();
    const { stdout } = await tradewind(['tasks', 'list', 'etl_orders', '-o', 'plain'], { cwd: fleet.folder });
    expect(stdout).toBe('extract    function\ntransform  function\nload       function\n');
  });
});

describe('help', () => {
  test('imports nothing but the list of commands', async () => {
    const hook = `data:text/javascript,${encodeURIComponent(`
      import { registerHooks } from 'node:module';
      registerHooks({ load(url, context, next) { process.stderr.write(url + '\\n'); return next(url, context); } });`)}`;
    const { exitCode, stdout, stderr } = await tradewind(['--help'], { cwd: REPOSITORY, variables: { NODE_OPTIONS: `--import=${hook}` } });
    expect(exitCode).toBe(0);
    expect(stdout).toContain('Usage: tradewind');
    const others = stderr
      .trimEnd()
      .split('\n')
      .filter((url) => !/^node:|^data:|\/commander\/|\/cli\/program\/|\/core\/bin\/|\/core\/package\.json$/.test(url))
      .map((url) => url.replace(/^.*\/core\/src\//, ''));
    expect(others.toSorted()).toEqual([
      'cli/exit-codes.ts',
      'cli/main.ts',
      'cli/output/output-format.ts',
      'cli/program.ts',
      'cli/report-failure.ts',
      'cli/secret-files/formats.ts',
      'cli/version.ts',
      'model/backfill/backfill.ts',
      'platform/compile-cache.ts',
      'platform/errors.ts',
      'platform/inherited-variables.ts',
    ]);
  });

  test('of each command fits in 80 columns', async () => {
    for (const args of [[], ['dags'], ['dags', 'trigger'], ['tasks'], ['pools'], ['backfill', 'create'], ['fleet', 'up'], ['standalone']]) {
      const { stdout } = await tradewind([...args, '--help'], { cwd: REPOSITORY });
      expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
    }
  });
});

/** An environment answers before it has read its dag files; a dag can be triggered once it is listed. */
async function untilKnown(folder: string, dagId: string): Promise<void> {
  while (!(await tradewind(['dags', 'list', '-o', 'plain'], { cwd: folder })).stdout.includes(dagId));
}
