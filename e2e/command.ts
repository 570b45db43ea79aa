/** Runs the command line as a user does: in a process of its own, and with what it started gone at the end. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'vitest';

export const REPOSITORY = path.resolve(import.meta.dirname, '..');
const PROGRAM = path.join(REPOSITORY, 'packages/core/bin/tradewind.mjs');

/** How a command ended. */
export interface CommandResult {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Where a command runs and with which variables. */
export interface CommandOptions {
  readonly cwd: string;
  readonly variables?: Readonly<Record<string, string>>;
}

/** A command that goes on until it is ended. */
export interface RunningCommand extends AsyncDisposable {
  readonly pid: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Resolves with the result when the process has ended. */
  readonly ended: Promise<CommandResult>;
  /** Waits until its standard output shows this. */
  shows(what: RegExp | string): Promise<void>;
  /** Sends a signal and waits for the end. */
  end(signal?: NodeJS.Signals): Promise<CommandResult>;
}

const LONGEST_WAIT_MS = 45_000;

/** Runs a command to its end. */
export async function tradewind(args: readonly string[], options: CommandOptions): Promise<CommandResult> {
  return startTradewind(args, options).ended;
}

/** Starts a command that goes on. */
export function startTradewind(args: readonly string[], options: CommandOptions): RunningCommand {
  return start(process.execPath, [PROGRAM, ...args], options);
}

/** Starts a program with nothing of the test runner's in its environment. */
export function start(program: string, args: readonly string[], { cwd, variables = {} }: CommandOptions): RunningCommand {
  const child = spawn(program, [...args], { cwd, stdio: ['ignore', 'pipe', 'pipe'], env: { ...freshVariables(), ...variables } });
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
  const ended = untilEnd(child, output);
  const end = async (signal: NodeJS.Signals = 'SIGINT'): Promise<CommandResult> => {
    child.kill(signal);
    return ended;
  };
  return {
    pid: child.pid ?? 0,
    ended,
    end,
    get stdout() {
      return output.stdout;
    },
    get stderr() {
      return output.stderr;
    },
    async shows(what) {
      await expect
        .poll(
          () => {
            if (child.exitCode !== null) throw new Error(`it has ended with ${child.exitCode}: ${output.stderr}`);
            return output.stdout;
          },
          { timeout: LONGEST_WAIT_MS, interval: 20 },
        )
        .toMatch(what);
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) await end();
    },
  };
}

async function untilEnd(child: ChildProcess, output: { stdout: string; stderr: string }): Promise<CommandResult> {
  const [exitCode] = (await once(child, 'close')) as [number | null];
  return { exitCode, ...output };
}

/** What a new terminal has: nothing of npm's, of the test runner's, or of ours. */
function freshVariables(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(npm_|VITEST|NODE_|TRADEWIND|INIT_CWD|FORCE_COLOR|NO_COLOR|TEST$|PROD$|DEV$|MODE$|SSR$|BASE_URL)/i.test(name),
  );
  return Object.fromEntries(kept);
}

/** The processes that work in a folder or were told of it. */
export function processesIn(folder: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const place = readlinkSync(`/proc/${pid}/cwd`);
        return place.startsWith(folder) || readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(folder);
      } catch {
        // It has ended meanwhile, or belongs to somebody else.
        return false;
      }
    });
}
