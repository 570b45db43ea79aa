import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Isolation, Workload } from '@tradewind/protocol';
import { BundleScanner, type BundleVersion } from '../../dag-processor/bundle-scanner.ts';
import { systemClock } from '../../platform/clock.ts';

/** A folder that is gone when the test is. */
export interface TestFolder extends Disposable {
  readonly path: string;
}

/** A new, empty folder. */
export function createTestFolder(): TestFolder {
  const folder = mkdtempSync(path.join(tmpdir(), 'tradewind-'));
  return {
    path: folder,
    [Symbol.dispose]: () => {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Stores a folder of dag files as a bundle version, as the dag processor would. */
export async function storeBundle(bundleFolder: string, stateFolder: string): Promise<BundleVersion> {
  const { version } = await new BundleScanner({ bundleFolder, stateFolder, clock: systemClock }).scan();
  return version;
}

/** What a test says about a try; the rest is as ordinary as can be. */
export interface TestTry {
  readonly version: BundleVersion;
  readonly file: string;
  readonly dagId: string;
  readonly taskId: string;
  readonly inputs?: Readonly<Record<string, unknown>>;
  readonly params?: Readonly<Record<string, string | number>>;
  readonly runId?: string;
  readonly epoch?: number;
  readonly isolation?: Isolation;
  readonly executionTimeoutMs?: number;
}

/** A try of a task. Two tries of the same task in the same run are the same attempt unless their epochs differ. */
export function createWorkload(one: TestTry): Workload {
  const { version, file, dagId, taskId, inputs = {}, params = {}, runId = 'run', epoch = 1, isolation = 'warm', executionTimeoutMs } = one;
  return {
    attempt: { taskInstanceId: `${runId}.${taskId}`.slice(-64), epoch },
    code: { ...version, file },
    context: {
      dagId,
      runId,
      taskId,
      mapIndex: -1,
      tryNumber: epoch,
      maxTries: 1,
      logicalDate: null,
      dataIntervalStart: null,
      dataIntervalEnd: null,
      runAfter: '2026-01-01T00:00:00Z',
      params,
      triggeringEvents: [],
    },
    inputsJson: Object.fromEntries(Object.entries(inputs).map(([name, value]) => [name, JSON.stringify(value)])),
    isolation,
    ...(executionTimeoutMs === undefined ? {} : { executionTimeoutMs }),
  };
}
