import { hostname } from 'node:os';
import type { CodeLocation, LogRecord } from '@tradewind/protocol';
import type { ValueSealer } from '../model/masking/value-sealer.ts';
import { authorEntry } from '../platform/child-process.ts';
import { systemClock } from '../platform/clock.ts';
import type { EnvironmentConfig } from '../platform/config.ts';
import type { Log } from '../platform/log.ts';
import type { Database } from '../store/database.ts';
import type { AuthorChildSettings } from '../triggerer/author-child.ts';
import { startCallbackChild } from '../triggerer/callback-child.ts';
import { startTriggerChild } from '../triggerer/trigger-child.ts';
import { startTriggerer, type Triggerer } from '../triggerer/triggerer.ts';

/** What the triggerer of an environment shares with its other parts. */
interface TriggererSurroundings {
  readonly database: Database;
  readonly log: Log;
  readonly locateCode: (file: string, bundleVersion: string) => CodeLocation;
  readonly maskRecord: (record: LogRecord) => LogRecord;
  readonly sealer: ValueSealer;
  readonly onFired: () => void;
}

/** Starts the triggerer of an environment, with real children. */
export function composeTriggerer(config: EnvironmentConfig, surroundings: TriggererSurroundings): Promise<Triggerer> {
  const { database, log } = surroundings;
  const settings = (entry: string): AuthorChildSettings => ({
    entry: authorEntry(entry),
    stateFolder: config.stateFolder,
    workingFolder: config.folder,
    maxHeapMegabytes: config.triggerer.heapMb,
    clock: systemClock,
    log,
  });
  const forTriggers = settings('@tradewind/sdk/trigger-runner');
  const forCallbacks = settings('@tradewind/sdk/callback-runner');
  return startTriggerer({
    ...surroundings,
    clock: systemClock,
    hostname: hostname(),
    pid: process.pid,
    isAlone: database.dialect === 'sqlite',
    logsFolder: config.logsFolder,
    startTriggerChild: (events) => startTriggerChild(forTriggers, events),
    startCallbackChild: (events) => startCallbackChild(forCallbacks, events),
    capacity: config.triggerer.capacity,
    callbackTimeoutMs: config.triggerer.callbackTimeoutSeconds * 1_000,
  });
}
