import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import type { Clock } from './clock.ts';
import { messageOf, TradewindError } from './errors.ts';

/** Where and how git works. */
export interface GitSettings {
  /** A bare repository. */
  readonly gitFolder: string;
  /** What is fetched from. Given to git through its environment: arguments can be read by everybody on the machine. */
  readonly repository: string;
  /** Name of the variable of this process that holds a token for https. */
  readonly tokenEnv?: string | undefined;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** What one call needs beyond that. */
export interface GitCall {
  /** Where files are checked out; git then runs there. */
  readonly workFolder?: string;
  readonly indexFile?: string;
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 120_000;
const MAX_OUTPUT_BYTES = 1_048_576;
const MAX_MESSAGE_LENGTH = 2_000;
/** What git may learn of this process's environment: how to reach the network, and the keys of whoever runs it. */
const PASSED_VARIABLES = ['PATH', 'HOME', 'TMPDIR', 'USER', 'SSH_AUTH_SOCK', 'SSL_CERT_FILE', 'SSL_CERT_DIR'];
const PROXY_VARIABLES = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'ALL_PROXY', 'http_proxy', 'https_proxy', 'no_proxy', 'all_proxy'];

/**
 * Runs git: without hooks, without anybody's configuration, without questions, and with no transport that runs commands.
 * @returns what it printed
 * @throws TradewindError `bad_configuration` where there is no git or no token, `repository_unavailable` with git's own words, without the token, where it fails
 */
export async function runGit(args: readonly string[], settings: GitSettings, call: GitCall = {}): Promise<string> {
  const token = readToken(settings);
  const child = spawn('git', args, {
    cwd: call.workFolder ?? settings.gitFolder,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: gitEnvironment(settings, call, token),
  });
  const output = { stdout: collect(child.stdout), stderr: collect(child.stderr) };
  const end = await waitForEnd(child, settings, call.timeoutMs ?? TIMEOUT_MS);
  if (end === undefined) return output.stdout();
  const said = withoutToken(`${end}${output.stderr() === '' ? '' : `: ${output.stderr().trim()}`}`, token).slice(0, MAX_MESSAGE_LENGTH);
  throw new TradewindError('repository_unavailable', `git ${args[0] ?? ''} of ${settings.repository} ${said}`);
}

function readToken({ tokenEnv, repository }: GitSettings): string | undefined {
  if (tokenEnv === undefined) return undefined;
  const token = process.env[tokenEnv];
  if (token !== undefined && token.trim() !== '') return token.trim();
  throw new TradewindError(
    'bad_configuration',
    `the variable ${tokenEnv}, which is to hold the token for ${repository}, is not set; set it and start again`,
  );
}

function gitEnvironment(
  { gitFolder, repository }: GitSettings,
  { workFolder, indexFile }: GitCall,
  token: string | undefined,
): NodeJS.ProcessEnv {
  const passed = [...PASSED_VARIABLES, ...PROXY_VARIABLES].flatMap((name) =>
    process.env[name] === undefined ? [] : [[name, process.env[name]] as const],
  );
  const settings = Object.entries({ ...SAFE_SETTINGS, 'remote.origin.url': repository, ...tokenSettings(repository, token) });
  return {
    ...Object.fromEntries(passed),
    LC_ALL: 'C',
    GIT_DIR: gitFolder,
    ...(workFolder === undefined ? {} : { GIT_WORK_TREE: workFolder }),
    ...(indexFile === undefined ? {} : { GIT_INDEX_FILE: indexFile }),
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: '/bin/false',
    GIT_SSH_COMMAND: 'ssh -o BatchMode=yes -o ConnectTimeout=20',
    GIT_ALLOW_PROTOCOL: 'file:git:http:https:ssh',
    GIT_LFS_SKIP_SMUDGE: '1',
    GIT_CONFIG_COUNT: String(settings.length),
    ...Object.fromEntries(
      settings.flatMap(([key, value], index) => [
        [`GIT_CONFIG_KEY_${index}`, key],
        [`GIT_CONFIG_VALUE_${index}`, value],
      ]),
    ),
  };
}

/** Nothing that lies in a repository is run, and nothing is done beside what was asked. */
const SAFE_SETTINGS = {
  'core.hooksPath': '/dev/null',
  'core.fsmonitor': 'false',
  'core.autocrlf': 'false',
  'core.attributesFile': '/dev/null',
  'submodule.recurse': 'false',
  'fetch.recurseSubmodules': 'false',
  'credential.helper': '',
  'gc.auto': '0',
  'maintenance.auto': 'false',
};

/** The token goes to the repository's own address and never on to where that one redirects. */
function tokenSettings(repository: string, token: string | undefined): Readonly<Record<string, string>> {
  if (token === undefined) return {};
  const basic = Buffer.from(`x-access-token:${token}`).toString('base64');
  return { [`http.${repository}.extraHeader`]: `Authorization: Basic ${basic}`, 'http.followRedirects': 'false' };
}

function withoutToken(text: string, token: string | undefined): string {
  if (token === undefined) return text;
  return text.replaceAll(token, '***').replaceAll(Buffer.from(`x-access-token:${token}`).toString('base64'), '***');
}

/** @returns undefined where git did what it was asked, else how it ended */
async function waitForEnd(child: ChildProcess, { clock, signal }: GitSettings, timeoutMs: number): Promise<string | undefined> {
  let stoppedBy: string | undefined;
  const stop = (why: string): void => {
    stoppedBy ??= why;
    // Those that it started for the network as well.
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) process.kill(-child.pid, 'SIGKILL');
  };
  const timer = clock.setTimer(timeoutMs, () => stop(`took longer than ${timeoutMs / 1_000} s`));
  const onAbort = (): void => stop('was stopped');
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    if (signal.aborted) onAbort();
    const [exitCode] = (await once(child, 'close')) as [number | null];
    return exitCode === 0 ? undefined : (stoppedBy ?? `failed with exit code ${exitCode ?? 'none'}`);
  } catch (cause) {
    const isMissing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    const advice = isMissing
      ? 'the program "git" was not found: install it, or take the git bundles out of the configuration'
      : messageOf(cause);
    throw new TradewindError('bad_configuration', `git could not be started: ${advice}`, { cause });
  } finally {
    timer.cancel();
    signal.removeEventListener('abort', onAbort);
  }
}

function collect(stream: Readable): () => string {
  let text = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    text += chunk.slice(0, MAX_OUTPUT_BYTES - text.length);
  });
  return () => text;
}
