/** The thread behind search-thread.ts. */
import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../platform/clock.ts';
import type { SearchRequest } from './search-thread.ts';
import { searchTaskLog } from './search-task-log.ts';

const { file, query, softLimitMs } = workerData as SearchRequest;
const overAt = systemClock.monotonicMs() + softLimitMs;
parentPort?.postMessage(await searchTaskLog(file, query, () => systemClock.monotonicMs() >= overAt));
