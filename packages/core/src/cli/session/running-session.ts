import type { EnvironmentConfig } from '../../platform/config.ts';
import { systemClock } from '../../platform/clock.ts';
import { TradewindError, messageOf } from '../../platform/errors.ts';
import { readEnvironmentFile, type EnvironmentFile } from '../environment-file.ts';
import { readReply } from './api-reply.ts';
import type { ApiCall, EnvironmentSession } from './environment-session.ts';

/** Whether anybody is there at all is answered at once or not. */
const GREETING_TIMEOUT_MS = 2_000;
const ANSWER_TIMEOUT_MS = 60_000;

interface Answering extends EnvironmentFile {
  readonly environment: string;
}

/** Connects to the environment's own process. Returns undefined where it does not run, which includes one that died without saying so. */
export async function connectToRunning(config: EnvironmentConfig): Promise<EnvironmentSession | undefined> {
  const file = await readEnvironmentFile(config);
  if (file === undefined || !isAlive(file.pid)) return undefined;
  const answering = { ...file, environment: config.name };
  try {
    await ask(answering, { method: 'GET', path: '/api/v2/version' }, GREETING_TIMEOUT_MS);
  } catch {
    // The pid is somebody else's by now, or the process is about to end: the lock decides.
    return undefined;
  }
  return {
    config,
    address: file.address,
    ask: (call) => ask(answering, call, ANSWER_TIMEOUT_MS),
    close: () => Promise.resolve(),
  };
}

async function ask({ address, token, environment }: Answering, { method, path, body }: ApiCall, timeoutMs: number): Promise<unknown> {
  const abort = new AbortController();
  const timer = systemClock.setTimer(timeoutMs, () => abort.abort());
  try {
    const response = await fetch(`${address}${path}`, {
      method,
      signal: abort.signal,
      headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return readReply(response.status, await response.text(), environment);
  } catch (error) {
    if (error instanceof TradewindError) throw error;
    const problem = abort.signal.aborted ? `no answer within ${timeoutMs / 1_000} s` : messageOf((error as Error).cause ?? error);
    throw new TradewindError('timeout', `the environment at ${address} does not answer: ${problem}; look at its log`, { cause: error });
  } finally {
    timer.cancel();
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it is there and belongs to somebody else.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
