import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { processesIn, startTradewind, tradewind } from './command.ts';
import { copyFleet, type FleetCopy } from './fleet-copy.ts';

type Step = Readonly<Record<string, unknown>>;

const stepsOf = (stdout: string): Step[] =>
  stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Step);

const endedTasks = (steps: readonly Step[]): unknown[] =>
  steps
    .filter(({ type, state }) => type === 'task_instance' && state === 'success')
    .map(({ environment, task_id }) => [environment, task_id].join('.'));

const startFleet = async (fleet: FleetCopy) => {
  const command = startTradewind(['fleet', 'up'], { cwd: fleet.folder });
  await command.shows(/profiles +customer_profile +run +success/);
  return command;
};

describe('fleet up --once --json', () => {
  test('runs the main job through both environments, says each step as JSON, and finds its history the second time', async () => {
    using fleet = copyFleet();
    for (const dagRuns of [0, 1]) {
      const { exitCode, stdout, stderr } = await tradewind(['fleet', 'up', '--once', '--json'], { cwd: fleet.folder });
      expect(stderr).toBe('');
      expect(exitCode).toBe(0);
      const steps = stepsOf(stdout);
      expect(steps.filter(({ type }) => type === 'environment_started')).toEqual(
        expect.arrayContaining([
          expect.objectContaining({ environment: 'customers', dag_runs: dagRuns }),
          expect.objectContaining({ environment: 'profiles', dag_runs: dagRuns }),
        ]),
      );
      const [customers, profiles] = ['customers', 'profiles'].map((name) =>
        Number(
          new URL(String(steps.find(({ type, environment }) => type === 'environment_started' && environment === name)?.['url'])).port,
        ),
      );
      expect(customers).toBeLessThan(profiles ?? 0);
      expect(endedTasks(steps)).toEqual([
        'customers.extract',
        'customers.clean',
        'customers.count',
        'customers.publish',
        'profiles.build_profiles',
        'profiles.summarize',
      ]);
      expect(steps).toContainEqual(
        expect.objectContaining({
          type: 'event_published',
          environment: 'customers',
          target: { transport: 'sns', topic: 'customer_master' },
        }),
      );
      expect(steps.at(-1)).toMatchObject({ type: 'dag_run', environment: 'profiles', dag_id: 'customer_profile', state: 'success' });
      expect(steps.every(({ timestamp }) => typeof timestamp === 'string')).toBe(true);
      expect(stdout).not.toContain(readFileSync(path.join(fleet.customers, '.tradewind/admin-password'), 'utf8').trim());
    }
    expect(processesIn(fleet.folder)).toEqual([]);
  });

  test('ends with 1 where the run fails', async () => {
    using fleet = copyFleet();
    const variables = { TRADEWIND__LOG__LEVEL: 'error' };
    const file = path.join(fleet.profiles, 'dags/customer_profile.ts');
    writeFileSync(file, readFileSync(file, 'utf8').replace('customers.length !== total', 'customers.length === total'));
    const { exitCode, stdout } = await tradewind(['fleet', 'up', '--once', '--json'], { cwd: fleet.folder, variables });
    expect(exitCode).toBe(1);
    expect(stepsOf(stdout)).toContainEqual(
      expect.objectContaining({
        task_id: 'build_profiles',
        state: 'failed',
        reason: expect.stringContaining('the event says 30') as unknown,
      }),
    );
  });

  test('ends with 6 where it takes too long', async () => {
    using fleet = copyFleet();
    const { exitCode, stderr } = await tradewind(['fleet', 'up', '--once', '--json', '--timeout', '0.01'], { cwd: fleet.folder });
    expect(exitCode).toBe(6);
    expect(stderr).toContain('tradewind: the run that fleet.json waits for has not ended after 0.01 s');
    expect(processesIn(fleet.folder)).toEqual([]);
  });
});

describe('fleet up', () => {
  test('stays, and ends on Ctrl-C within two seconds with no process left', async () => {
    using fleet = copyFleet();
    await using command = await startFleet(fleet);
    expect(command.stdout).toContain(`password ${readFileSync(path.join(fleet.customers, '.tradewind/admin-password'), 'utf8').trim()}`);
    expect(processesIn(fleet.folder).length).toBeGreaterThan(2);
    const startedMs = performance.now();
    const { exitCode } = await command.end('SIGINT');
    expect(performance.now() - startedMs).toBeLessThan(2_000);
    expect(exitCode).toBe(0);
    expect(processesIn(fleet.folder)).toEqual([]);
  });

  test('leaves no process behind when it is killed', async () => {
    using fleet = copyFleet();
    await using command = await startFleet(fleet);
    await command.end('SIGKILL');
    await expect.poll(() => processesIn(fleet.folder), { timeout: 10_000 }).toEqual([]);
  });

  test('starts an environment again that died, and its work goes on', async () => {
    using fleet = copyFleet();
    await using command = await startFleet(fleet);
    const { pid } = JSON.parse(readFileSync(path.join(fleet.customers, '.tradewind/environment.json'), 'utf8')) as { pid: number };
    process.kill(pid, 'SIGKILL');
    await command.shows(/process of environment customers was ended by SIGKILL; it is started again in 500 ms/);
    await command.shows(/SIGKILL[^]*customers +http:\S+ +up in/);
    const { exitCode } = await tradewind(['dags', 'trigger', 'customer_master', '--wait', '--timeout', '30'], { cwd: fleet.folder });
    expect(exitCode).toBe(0);
    await command.shows(/SIGKILL[^]*profiles +customer_profile +run +success/);
  });

  test('does not come up where an environment is run by somebody else, and says by whom', async () => {
    using fleet = copyFleet();
    await using other = startTradewind(['standalone', '--folder', 'profiles'], { cwd: fleet.folder });
    await other.shows('profiles is at');
    const { exitCode, stderr } = await tradewind(['fleet', 'up'], { cwd: fleet.folder });
    expect(exitCode).toBe(5);
    expect(stderr).toContain(`is already run by process ${other.pid}`);
    expect(processesIn(fleet.customers)).toEqual([]);
  });
});
