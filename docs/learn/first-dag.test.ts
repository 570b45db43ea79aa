import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { codeBlocks, type CodeBlock } from '../code-blocks.ts';

/**
 * Follows the tutorial: writes its files, runs its commands in one shell session after the other in the same folder, and looks for what it says they print. The project is made in a
 * temporary folder instead of beside the clone.
 */
const clone = path.resolve(import.meta.dirname, '../..');
const folder = mkdtempSync(path.join(tmpdir(), 'tradewind-tutorial-'));
const project = path.join(folder, 'my_project');
const background: ChildProcess[] = [];
let output = '';
/** The command before, where it may be run until it shows what is expected. */
let repeated: (() => Promise<string>) | undefined;

afterAll(async () => {
  await Promise.all(background.map(end));
  rmSync(folder, { recursive: true, force: true });
});

describe('the tutorial', () => {
  const blocks = codeBlocks(readFileSync(path.join(import.meta.dirname, 'first-dag.md'), 'utf8'));

  test('has blocks of every kind', () => {
    expect(new Set(blocks.map(({ language }) => language))).toEqual(new Set(['sh', 'ts', 'output']));
  });

  test.each(blocks.map((block) => [`${block.language} in line ${block.line}`, block] as const))('%s', async (_, block) => {
    await follow(block);
  });
});

async function follow(block: CodeBlock): Promise<void> {
  const file = block.info.find((word) => word.startsWith('file='))?.slice('file='.length);
  if (block.language === 'output') {
    const lines = block.text.split('\n');
    // What follows from an event follows a moment later.
    if (repeated !== undefined)
      await expect.poll(repeated, { timeout: 20_000 }).toSatisfy((text: string) => lines.every((line) => text.includes(line)));
    else for (const line of lines) expect(output).toContain(line);
  } else if (file !== undefined) {
    mkdirSync(path.dirname(path.join(project, file)), { recursive: true });
    writeFileSync(path.join(project, file), `${block.text}\n`);
    if (background.length > 0) await untilKnown(block.text);
  } else if (block.info.includes('background')) {
    await runInBackground(block.text);
  } else {
    const again = (): Promise<string> =>
      run(block.text.replaceAll('../my_project', project), block.text.includes(' init ') ? clone : project);
    repeated = block.info.includes('repeat') ? again : undefined;
    output = await again();
  }
}

async function run(commands: string, cwd: string): Promise<string> {
  const shell = spawn('bash', ['-euo', 'pipefail', '-c', commands], { cwd, stdio: ['ignore', 'pipe', 'pipe'], env: freshEnvironment() });
  let text = '';
  shell.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  shell.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const [code] = (await once(shell, 'close')) as [number];
  expect(code, text).toBe(0);
  return text;
}

async function runInBackground(command: string): Promise<void> {
  const shell = spawn('bash', ['-c', `exec ${command}`], {
    cwd: project,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    env: freshEnvironment(),
  });
  background.push(shell);
  const isUp = Promise.withResolvers<void>();
  let text = '';
  const hear = (chunk: Buffer): void => {
    text += chunk.toString();
    output = text;
    if (text.includes('Ctrl-C')) isUp.resolve();
  };
  shell.stdout.on('data', hear);
  shell.stderr.on('data', hear);
  shell.once('exit', (code) => {
    isUp.reject(new Error(`"${command}" ended with ${code}: ${text}`));
  });
  await isUp.promise;
}

/** Waits until the running environment knows every dag of a file that was just saved. */
async function untilKnown(text: string): Promise<void> {
  const dagIds = [...text.matchAll(/\bdag\(\s*'([^']+)'/g)].map(([, dagId = '']) => dagId);
  await expect
    .poll(() => run('npm run -s tradewind -- dags list -o json', project), { timeout: 20_000 })
    .toSatisfy((list: string) => dagIds.every((dagId) => list.includes(`"${dagId}"`)));
}

async function end(shell: ChildProcess): Promise<void> {
  shell.removeAllListeners('exit');
  const ended = once(shell, 'exit');
  // The command and what it started are a group of their own.
  process.kill(-(shell.pid ?? 0), 'SIGINT');
  await ended;
}

/** What a new terminal has: nothing of npm's or of the test runner's. */
function freshEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(npm_|VITEST|NODE_OPTIONS|NODE_ENV|INIT_CWD)/i.test(name)));
}
