import path from 'node:path';
import { clientConfig } from '../federation/transports/aws-options.ts';
import { systemClock } from '../platform/clock.ts';
import type { EnvironmentConfig } from '../platform/config.ts';
import type { Log } from '../platform/log.ts';
import { openValueBucket } from '../platform/value-bucket.ts';
import { openValueFiles } from '../platform/value-files.ts';
import { LargeValues, type ValueStore } from '../platform/value-store.ts';
import { awsOptions } from './aws-options.ts';

/** A scheduler may write values and read others between two renewals of its lease, which lasts six seconds; a value that is not taken in that time stays in its row. */
const ANSWER_WITHIN_MS = 2_000;
/** Longest time for a list or a removal, which nobody waits for but a sweep and whoever deletes runs. */
const REQUEST_TIMEOUT_MS = 10_000;
const MAX_SOCKETS = 50;

/** Opens where an environment keeps its large values: files, or a bucket, which leaves what is in files readable. */
export function openValues(config: EnvironmentConfig, log: Log): LargeValues {
  const { offloadBytes, store } = config.xcom;
  const files = openValueFiles(valuesFolder(config));
  if (store === undefined) return new LargeValues({ store: files, offloadBytes, log });
  return new LargeValues({ store: openBucket(store, config), earlierStores: [files], offloadBytes, log });
}

function valuesFolder({ xcom, folder, stateFolder, name }: EnvironmentConfig): string {
  return xcom.folder === undefined ? path.join(stateFolder, 'xcoms') : path.resolve(folder, xcom.folder, name);
}

function openBucket(store: string, config: EnvironmentConfig): ValueStore {
  const { hostname, pathname } = new URL(store);
  const { endpoint, region } = config.xcom;
  const aws = { ...awsOptions(config), ...(endpoint === undefined ? {} : { endpoint }), ...(region === undefined ? {} : { region }) };
  return openValueBucket({
    bucket: hostname,
    answerWithinMs: ANSWER_WITHIN_MS,
    clock: systemClock,
    prefix: [...pathname.split('/').filter((part) => part !== ''), config.name].join('/'),
    client: clientConfig(aws, { requestTimeoutMs: REQUEST_TIMEOUT_MS, socketTimeoutMs: ANSWER_WITHIN_MS, maxSockets: MAX_SOCKETS }),
  });
}
