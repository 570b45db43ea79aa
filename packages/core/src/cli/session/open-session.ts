import { isDagId } from '@tradewind/protocol';
import type { EnvironmentConfig } from '../../platform/config.ts';
import { systemClock } from '../../platform/clock.ts';
import { TradewindError } from '../../platform/errors.ts';
import { findEnvironment, findEnvironments } from '../find-environment.ts';
import type { EnvironmentSession } from './environment-session.ts';
import { connectToRunning } from './running-session.ts';

/** An environment that is just being started, or another command on it, is waited for. */
const PATIENCE_MS = 5_000;
const PAUSE_MS = 50;

/** Opens the environment that a command means, does the work, and closes it. */
export async function withSession<Result>(
  folder: string | undefined,
  work: (session: EnvironmentSession) => Promise<Result>,
): Promise<Result> {
  const session = await openSession(findEnvironment(folder));
  try {
    return await work(session);
  } finally {
    await session.close();
  }
}

/**
 * Opens the environment that has a dag, does the work, and closes it.
 * @throws TradewindError `usage` for what cannot be a dag id, `not_found` where none of the environments that the command may mean has the dag
 */
export async function withSessionOfDag<Result>(
  folder: string | undefined,
  dagId: string,
  work: (session: EnvironmentSession) => Promise<Result>,
): Promise<Result> {
  requireDagId(dagId);
  const environments = findEnvironments(folder);
  for (const config of environments) {
    const session = await openSession(config);
    try {
      if (await hasDag(session, dagId)) return await work(session);
    } finally {
      await session.close();
    }
  }
  throw unknownDag(dagId, environments);
}

/** @throws TradewindError `usage` for what cannot be a dag id */
export function requireDagId(text: string): void {
  if (!isDagId(text))
    throw new TradewindError('usage', `"${text}" is no dag id: those have letters, digits, "_", "-" and ".", at most 250`);
}

/** The error for a dag that no environment has. */
export function unknownDag(dagId: string, environments: readonly EnvironmentConfig[]): TradewindError {
  const where = environments.map(({ name, folder }) => `${name} (${folder})`).join(' or ');
  return new TradewindError('not_found', `there is no dag "${dagId}" in ${where}; "tradewind dags list" names those that there are`);
}

/**
 * Opens an environment, whether it runs or not.
 * @throws TradewindError `environment_running` where a process has it and does not answer for five seconds
 */
async function openSession(config: EnvironmentConfig): Promise<EnvironmentSession> {
  const giveUpAt = systemClock.monotonicMs() + PATIENCE_MS;
  for (;;) {
    const running = await connectToRunning(config);
    if (running !== undefined) return running;
    try {
      const { openStoredSession } = await import('./stored-session.ts');
      return await openStoredSession(config);
    } catch (error) {
      const isTaken = error instanceof TradewindError && error.code === 'environment_running';
      if (!isTaken || systemClock.monotonicMs() > giveUpAt) throw error;
      await new Promise<void>((resolve) => {
        systemClock.setTimer(PAUSE_MS, resolve);
      });
    }
  }
}

async function hasDag(session: EnvironmentSession, dagId: string): Promise<boolean> {
  try {
    await session.ask({ method: 'GET', path: `/api/v2/dags/${encodeURIComponent(dagId)}` });
    return true;
  } catch (error) {
    if (error instanceof TradewindError && error.code === 'not_found') return false;
    throw error;
  }
}
