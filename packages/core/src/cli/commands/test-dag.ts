import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { JsonObject, LogRecord, ParseFailure } from '@tradewind/protocol';
import { resolveParams } from '../../model/params.ts';
import { systemClock as clock } from '../../platform/clock.ts';
import type { EnvironmentConfig } from '../../platform/config.ts';
import { TradewindError } from '../../platform/errors.ts';
import { findDag, type FoundDag } from '../dag-test/find-dag.ts';
import { runDagTest } from '../dag-test/run-dag-test.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { findEnvironments } from '../find-environment.ts';
import { describeImportError } from '../output/describe-import-error.ts';
import { withFields } from '../output/format-log-record.ts';
import { formatDuration } from '../output/format-values.ts';
import type { EnvironmentOptions } from '../program/declare.ts';
import { requireDagId, unknownDag } from '../session/open-session.ts';

interface TestOptions extends EnvironmentOptions {
  readonly conf?: Readonly<Record<string, unknown>>;
}

/** `tradewind dags test <dag_id>`: what the tasks print, then how the run ended, which is also the exit code. */
export async function testDag(dagId: string, options: TestOptions): Promise<ExitCode | undefined> {
  return testFoundDag(dagId, options, (dag) => dag);
}

/**
 * Runs what is left of a dag when somebody has narrowed it down.
 * @param narrow may throw where there is nothing to run
 */
export async function testFoundDag(
  dagId: string,
  { folder, conf = {} }: TestOptions,
  narrow: (dag: FoundDag['dag']) => FoundDag['dag'],
): Promise<ExitCode | undefined> {
  requireDagId(dagId);
  const environments = findEnvironments(folder);
  const failures: string[] = [];
  for (const config of environments) {
    const searched = await inTemporaryState(config, async (temporary) => {
      const search = await findDag(temporary, dagId);
      return search.found ? runTest(temporary, { ...search.dag, dag: narrow(search.dag.dag) }, conf as JsonObject) : search.failures;
    });
    if (typeof searched === 'number') return searched;
    failures.push(...searched.map((failure) => describeFailure(config, failure)));
  }
  if (failures.length > 0)
    process.stderr.write(`these dag files cannot be read, and one of them may hold the dag:\n${failures.join('\n')}\n`);
  throw unknownDag(dagId, environments);
}

function describeFailure(config: EnvironmentConfig, failure: ParseFailure): string {
  const { summary, excerpt } = describeImportError(config, failure);
  return excerpt === undefined ? summary : `${summary}\n${excerpt}`;
}

async function runTest(config: EnvironmentConfig, dag: FoundDag, conf: JsonObject): Promise<ExitCode> {
  checkConf(dag, conf);
  const interrupted = new AbortController();
  const interrupt = (): void => interrupted.abort();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, interrupt);
  const startedMs = clock.monotonicMs();
  const end = await runDagTest({
    config,
    dag,
    conf,
    signal: interrupted.signal,
    onLog: printRecord,
    onTaskEnd: ({ taskId, state, durationMs }) => {
      const took = durationMs === undefined ? '' : ` in ${formatDuration(durationMs)}`;
      process.stderr.write(`[${taskId}] ${state}${took}\n`);
    },
  });
  process.stdout.write(`${dag.dag.dagId} ${end} in ${formatDuration(clock.monotonicMs() - startedMs)}\n`);
  if (end === 'interrupted') return EXIT.interrupted;
  return end === 'success' ? EXIT.ok : EXIT.failed;
}

function checkConf({ dag }: FoundDag, conf: JsonObject): void {
  const resolved = resolveParams(dag.params, conf, { refuseUnknown: true });
  if (resolved.ok) return;
  const problems = resolved.problems.map(({ path: where, message }) => `${where} ${message}`).join('; ');
  throw new TradewindError('usage', `the params of dag "${dag.dagId}" do not fit: ${problems}; give them with --conf '{"name": value}'`);
}

/** What a task prints is printed as it is; of what is said about it, only what went wrong. */
function printRecord(taskId: string, record: LogRecord): void {
  const isAboutTry = record.logger === 'supervisor';
  if (isAboutTry && (record.level === 'info' || record.level === 'debug')) return;
  const text = isAboutTry && record['result'] === 'failed' ? describeEnd(record) : withLevel(record);
  for (const line of text.split('\n')) process.stdout.write(`[${taskId}] ${line}\n`);
}

/** The supervisor's last word on a try that failed. */
function describeEnd({ kind, message, detail }: LogRecord & { kind?: unknown; message?: unknown; detail?: unknown }): string {
  return [`failed (${String(kind)}): ${String(message)}`, ...(typeof detail === 'string' ? [detail] : [])].join('\n');
}

function withLevel(record: LogRecord): string {
  const isPrinted = record.logger === 'task.stdout' || record.logger === 'task.stderr' || record.level === 'info';
  return isPrinted ? withFields(record) : `${record.level}: ${withFields(record)}`;
}

/** Gives the work a state folder of its own, which is removed afterwards; only what was compiled is kept, in the environment's. */
async function inTemporaryState<Result>(
  config: EnvironmentConfig,
  work: (temporary: EnvironmentConfig) => Promise<Result>,
): Promise<Result> {
  const stateFolder = await mkdtemp(path.join(tmpdir(), 'tradewind-dags-test-'));
  try {
    const compileCache = path.join(config.stateFolder, 'compile-cache');
    await mkdir(compileCache, { recursive: true, mode: 0o700 });
    await symlink(compileCache, path.join(stateFolder, 'compile-cache'));
    return await work({ ...config, stateFolder, logsFolder: path.join(stateFolder, 'logs') });
  } finally {
    await rm(stateFolder, { recursive: true, force: true });
  }
}
