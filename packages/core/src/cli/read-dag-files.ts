/** Reads dag files for commands that need to know what they define and have no environment that would. */
import type { CodeLocation, ParseReply } from '@tradewind/protocol';
import { DagFileReader } from '../dag-processor/dag-file-reader.ts';
import { parseDagFile, type ParseProcessOptions } from '../dag-processor/parse-process.ts';
import { readReply, type ReadDags } from '../dag-processor/read-reply.ts';
import { findScheduleProblem } from '../model/timetables/find-schedule-problem.ts';
import { authorEntry } from '../platform/child-process.ts';
import { systemClock as clock } from '../platform/clock.ts';
import type { EnvironmentConfig } from '../platform/config.ts';
import { messageOf } from '../platform/errors.ts';
import { silentLog } from '../platform/log.ts';
import { systemRandom } from '../platform/random.ts';
import type { Database } from '../store/database.ts';
import { startDagProcessors } from './dag-processors.ts';

const NEVER = new AbortController().signal;

/**
 * Brings the dags in a store in step with their files, as a start of the environment would; files that have not changed cost nothing. A bundle that cannot be
 * looked at is left as it was, and said on standard error.
 * @param again reads every file, also where it has not changed. @default false
 */
export async function bringDagsUpToDate(config: EnvironmentConfig, database: Database, again = false): Promise<void> {
  const reader = new DagFileReader(parseOptions(config));
  const processors = await startDagProcessors(config, {
    database,
    clock,
    random: systemRandom(() => clock.now()),
    log: silentLog,
    findProblem: ({ schedule }) => findScheduleProblem(schedule),
    parse: (...file) => reader.read(...file),
    onProblem: (bundleName, error) =>
      process.stderr.write(`the dags of bundle "${bundleName}" are as they were read last: ${messageOf(error)}\n`),
  });
  await processors.settled();
  if (again) await processors.reread();
  await processors.stop();
  await reader.stop();
}

/** Reads one dag file in a process of its own and checks what it defines. Never rejects: what is wrong is in the result. */
export async function readDagFile(config: EnvironmentConfig, code: CodeLocation): Promise<ReadDags> {
  return readReply(code.file, await createParse(config)(code, NEVER), ({ schedule }) => findScheduleProblem(schedule));
}

/** Reads one dag file after the other, each in a process of its own that is gone when it is read. */
export function createParse(config: EnvironmentConfig): (code: CodeLocation, signal: AbortSignal) => Promise<ParseReply> {
  const options = parseOptions(config);
  return (code, signal) => parseDagFile(code, options, signal);
}

function parseOptions(config: EnvironmentConfig): ParseProcessOptions {
  return {
    entry: authorEntry('@tradewind/sdk/parse-dag-file'),
    stateFolder: config.stateFolder,
    workingFolder: config.folder,
    maxHeapMegabytes: config.dagProcessor.heapMb,
    timeoutMs: config.dagProcessor.fileTimeoutSeconds * 1_000,
    clock,
    log: silentLog,
  };
}
