import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { processesIn, REPOSITORY, start, startTradewind, tradewind } from './command.ts';

/** A machine on which nothing of ours is installed, and without a network. */
const variables = {
  PATH: (process.env['PATH'] ?? '')
    .split(path.delimiter)
    .filter((folder) => !folder.includes('node_modules'))
    .join(path.delimiter),
  npm_config_registry: 'http://127.0.0.1:1',
};

describe('init', () => {
  let folder: string;
  let project: string;
  beforeAll(async () => {
    folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'tradewind-e2e-')));
    project = path.join(folder, 'my_project');
    const { exitCode, stdout } = await tradewind(['init', 'my_project'], { cwd: folder, variables });
    expect(exitCode).toBe(0);
    expect(stdout).toContain('  cd my_project\n  npm start ');
  });
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  test('makes a project whose tests run as the first command, with nothing from the network', async () => {
    const { exitCode, stdout, stderr } = await start('npm', ['test'], { cwd: project, variables }).ended;
    expect(stderr).not.toContain('npm error');
    expect(stdout).toContain('✔ greets whoever it is given');
    expect(exitCode).toBe(0);
  });

  test('makes a project that starts, runs its dag and stops', async () => {
    await using npm = start('npm', ['start'], { cwd: project, variables });
    await npm.shows(/hello +new +dags\/hello\.ts/);
    const trigger = ['run', '-s', 'tradewind', '--', 'dags', 'trigger', 'hello', '--run-id', 'first', '--wait', '--timeout', '30'];
    expect(await start('npm', trigger, { cwd: project, variables }).ended).toMatchObject({ exitCode: 0 });
    const logs = ['run', '-s', 'tradewind', '--', 'tasks', 'logs', 'hello', 'greet', 'first'];
    expect((await start('npm', logs, { cwd: project, variables }).ended).stdout).toContain('Hello, world!');
    const { pid } = JSON.parse(readFileSync(path.join(project, '.tradewind/environment.json'), 'utf8')) as { pid: number };
    process.kill(pid, 'SIGINT');
    await npm.ended;
    expect(processesIn(folder)).toEqual([]);
  });

  test('makes a project that compiles', async () => {
    const compiler = path.join(REPOSITORY, 'node_modules/typescript-7/bin/tsc');
    expect(await start(process.execPath, [compiler, '--noEmit', '-p', project], { cwd: project }).ended).toMatchObject({
      exitCode: 0,
      stdout: '',
    });
  });

  test('installs and starts the project where it is asked to', async () => {
    const other = path.join(folder, 'other');
    await using command = startTradewind(['init', 'other', '--build-start'], { cwd: folder, variables });
    await command.shows(/hello +new +dags\/hello\.ts/);
    expect((await command.end('SIGTERM')).exitCode).toBe(0);
    await expect.poll(() => processesIn(other), { timeout: 5_000 }).toEqual([]);
  });

  test('refuses a folder that holds something, and a name that cannot be one', async () => {
    expect(await tradewind(['init', 'my_project'], { cwd: folder })).toMatchObject({
      exitCode: 5,
      stderr: expect.stringMatching(/^tradewind: \S+\/my_project is not empty \(it holds .+\); choose another name\n$/) as unknown,
    });
    expect(await tradewind(['init', 'my project'], { cwd: folder })).toMatchObject({ exitCode: 2, stdout: '' });
    expect(existsSync(path.join(folder, 'my project'))).toBe(false);
  });
});
