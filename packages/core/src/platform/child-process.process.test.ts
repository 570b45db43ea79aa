import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { authorEntry, startAuthorProcess, type AuthorProcess } from './child-process.ts';
import { systemClock } from './clock.ts';
import { endLeftoverChildren } from './leftover-children.ts';
import { silentLog } from './log.ts';
import { isRunning, untilGone } from './testing/until-gone.ts';

const BUSY = 'console.log("running"); for (;;);';
/** Prints its pid, tells whoever started it, and goes on for ever. */
const SLEEPER = `process.on('SIGTERM', () => {}); console.log('sleeper ' + process.pid); require('node:fs').writeSync(3, 'x'); setInterval(() => {}, 1_000);`;
const startSleeper = (detached: boolean): string =>
  `require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(SLEEPER)}], { stdio: ['ignore', 'inherit', 'inherit', 'pipe'], detached: ${detached} })`;

let folder: string;
let started: AuthorProcess[];

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tradewind-'));
  started = [];
});

afterEach(async () => {
  for (const child of started) child.signalGroup('SIGKILL');
  await Promise.all(started.map(({ ended }) => ended));
  rmSync(folder, { recursive: true });
});

async function start(script: string): Promise<AuthorProcess> {
  const entry = path.join(folder, `${started.length}.cjs`);
  writeFileSync(entry, script);
  const settings = { stateFolder: folder, workingFolder: folder, maxHeapMegabytes: 64, clock: systemClock, log: silentLog };
  const child = await startAuthorProcess(entry, settings);
  started.push(child);
  return child;
}

/** Resolves with what the process prints, once that has a line. */
async function firstLine(child: AuthorProcess): Promise<string> {
  let printed = '';
  for await (const chunk of child.stdout.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    printed += chunk.toString();
    if (printed.includes('\n')) break;
  }
  return printed.trim();
}

const noted = (): string[] => {
  const children = path.join(folder, 'children');
  return existsSync(children) ? readdirSync(children).filter((name) => name.endsWith('.json')) : [];
};

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(setImmediate);
}

describe('a process for author code', () => {
  test('tells how it ended', async () => {
    expect(await (await start('process.exit(3)')).ended).toEqual({ exitCode: 3, signal: null, hasSurvivors: false });
    expect(await (await start('process.kill(process.pid, "SIGKILL")')).ended).toEqual({
      exitCode: null,
      signal: 'SIGKILL',
      hasSurvivors: false,
    });
  });

  test('is given a folder, a heap and a few variables, and none of the environment’s secrets', async () => {
    process.env['TRADEWIND_SECRET'] = 'canary';
    const child = await start('console.log(JSON.stringify([process.cwd(), process.execArgv, Object.keys(process.env)]))');
    Reflect.deleteProperty(process.env, 'TRADEWIND_SECRET');
    const [workingFolder, flags, variables] = JSON.parse(await text(child.stdout)) as [string, string[], string[]];
    expect([path.basename(workingFolder), flags]).toEqual([path.basename(folder), ['--max-old-space-size=64']]);
    const passed = new Set(['HOME', 'LANG', 'NODE_COMPILE_CACHE', 'PATH', 'TMPDIR', 'TRADEWIND_CHILD', 'TZ']);
    expect(variables.filter((name) => !passed.has(name))).toEqual([]);
  });

  test('takes what it started along when it ends', async () => {
    const child = await start(`${startSleeper(false)}.stdio[3].once('data', () => process.exit(0))`);
    const pid = Number((await firstLine(child)).split(' ')[1]);
    expect((await child.ended).hasSurvivors).toBe(false);
    expect(pid).toBeGreaterThan(1);
    await untilGone(pid);
  });

  test('is noted while it runs', async () => {
    const child = await start(BUSY);
    await until(() => noted().length === 1);
    expect(noted()).toEqual([`${child.pid}.json`]);
    child.signalGroup('SIGKILL');
    await child.ended;
    expect(noted()).toEqual([]);
  });

  test('that the system refuses to start is an error that says what to look at', async () => {
    const settings = { stateFolder: folder, workingFolder: '/nowhere', maxHeapMegabytes: 64, clock: systemClock, log: silentLog };
    await expect(startAuthorProcess('x.cjs', settings)).rejects.toMatchObject({
      code: 'internal',
      message: expect.stringMatching(/ENOENT.*\/nowhere/) as string,
    });
  });
});

test('an entry is found where its package really lies, for below node_modules no types are stripped', () => {
  expect(authorEntry('@tradewind/sdk/task-runner')).toMatch(/packages\/sdk\/src\/worker\/task-runner\.ts$/);
});

describe('an environment that starts again', () => {
  test('ends what an earlier life left running, and what that has started, wherever it has moved', async () => {
    const child = await start(`${startSleeper(true)}; ${BUSY}`);
    const lines: string[] = [];
    while (lines.length < 2) lines.push(...(await firstLine(child)).split('\n'));
    const sleeper = Number(lines.find((line) => line.startsWith('sleeper'))?.split(' ')[1]);
    await until(() => noted().length === 1);
    expect(await endLeftoverChildren(folder)).toEqual([child.pid]);
    await child.ended;
    await untilGone(sleeper);
  });

  test('leaves a process alone that only has the number of an earlier child', async () => {
    const child = await start(BUSY);
    await until(() => noted().length === 1);
    const note = JSON.parse(readFileSync(path.join(folder, 'children', `${child.pid}.json`), 'utf8')) as object;
    const other = path.join(folder, 'other');
    mkdirSync(path.join(other, 'children'), { recursive: true });
    const claims = { ...note, startTime: '1', marker: 'another' };
    writeFileSync(path.join(other, 'children', `${child.pid}.json`), JSON.stringify(claims));
    writeFileSync(path.join(other, 'children', '1.json'), JSON.stringify({ ...claims, pid: 1 }));
    writeFileSync(path.join(other, 'children', 'half.json'), '{"pid": 12');
    expect(await endLeftoverChildren(other)).toEqual([]);
    expect(isRunning(child.pid)).toBe(true);
  });

  test('has nothing to do where nothing was left', async () => {
    expect(await endLeftoverChildren(folder)).toEqual([]);
  });
});
