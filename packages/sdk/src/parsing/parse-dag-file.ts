/**
 * Entry of the throw-away process that reads one dag file: a ParseRequest on the control channel, the file's import, one ParseReply, exit. Where the request asks the
 * timetable of one of its dags, the reply is a TimetableAnswer; where it is the first of several, read-shared-files.ts goes on.
 *
 * Nothing that the file does changes that order: it is answered once, synchronously, also when the file ends the process or leaves timers
 * behind. Time, memory and what escapes are the business of the process that started this one.
 */
import { setImmediate } from 'node:timers/promises';
import { RECORD_SEPARATOR, type ParseReply, type ParseRequest, type SharedParseRequest, type TimetableAnswer } from '@tradewind/protocol';
// What nearly every dag file imports is there when the request comes, however early this process was started.
import '../index.ts';
import { makeOutputBlocking } from '../worker/blocking-output.ts';
import { CONTROL_FD, readMessage, writeFully, writeMessage } from '../worker/control-channel.ts';
import { describeThrown } from '../worker/describe-thrown.ts';
import { findProcessChanges, noteProcessState, offerToOutOfMemoryKiller } from '../worker/process-state.ts';
import { askTimetable } from './ask-timetable.ts';
import { collectDags } from './collect-dags.ts';
import { describeImportError } from './describe-import-error.ts';
import { loadTypeStripper } from './load-type-stripper.ts';
import { pinBundle, type PinnedBundle } from './pinned-bundle.ts';

const MAX_WARNINGS = 20;
const STDERR_FD = 2;

await loadTypeStripper();
main();

function main(): void {
  offerToOutOfMemoryKiller();
  makeOutputBlocking();
  const request = readMessage(CONTROL_FD) as ParseRequest | SharedParseRequest;
  if ('isShared' in request) {
    void readShared(request);
    return;
  }
  const { code } = request;
  const answer = createAnswer(code.file);
  try {
    const bundle = pinBundle(code);
    const rejections = watchProcess(code.file, bundle, answer);
    announceNativeModules();
    void answerRequest(request, bundle, rejections).then((reply) => {
      answer(reply);
      process.exit(0);
    });
  } catch (error) {
    answer(failed(code.file, describeThrown(error).message));
  }
}

async function readShared(request: SharedParseRequest): Promise<void> {
  const { readSharedFiles } = await import('./read-shared-files.ts');
  await readSharedFiles(request);
  process.exit(0);
}

/** Sends the first reply that it is given and none after. */
function createAnswer(file: string): (reply: ParseReply | TimetableAnswer) => void {
  let isAnswered = false;
  return (reply) => {
    if (isAnswered) return;
    isAnswered = true;
    try {
      writeMessage(CONTROL_FD, reply);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      writeMessage(CONTROL_FD, failed(file, `the dags of this file are too large: ${error.message}; spread them over several files`));
    }
  };
}

async function answerRequest(
  { code, timetable }: ParseRequest,
  bundle: PinnedBundle,
  rejections: readonly string[],
): Promise<ParseReply | TimetableAnswer> {
  if (timetable === undefined) return readDagFile(code.file, bundle, rejections);
  try {
    return askTimetable(collectDags((await import(bundle.urlOf(code.file))) as object), timetable);
  } catch (error) {
    return { type: 'failed', error: describeImportError(error, bundle) };
  }
}

async function readDagFile(file: string, bundle: PinnedBundle, rejections: readonly string[]): Promise<ParseReply> {
  const before = noteProcessState();
  try {
    const module = (await import(bundle.urlOf(file))) as object;
    const dags = collectDags(module).map(({ dagId, serialized }) => asData(dagId, serialized));
    // A rejection that nobody handles is announced only after this turn of the event loop.
    await setImmediate();
    const changes = Object.values(findProcessChanges(before)).flat() as string[];
    const warnings = [...rejections, ...changes.map((change) => `reading the file has an effect: ${change}`)];
    return { type: 'parsed', dags, files: [...bundle.loadedFiles], warnings: warnings.slice(0, MAX_WARNINGS) };
  } catch (error) {
    return { type: 'failed', error: describeImportError(error, bundle) };
  }
}

/** The dag as JSON would carry it, so that a value that JSON cannot carry is found here, where its dag is known. */
function asData(dagId: string, serialized: unknown): unknown {
  try {
    return JSON.parse(JSON.stringify(serialized)) as unknown;
  } catch (cause) {
    throw new TypeError(`dag "${dagId}" cannot be turned into JSON: ${describeThrown(cause).message}`, { cause });
  }
}

/** Answers for a file that ends the process, and collects the rejections that it leaves unhandled. */
function watchProcess(file: string, bundle: PinnedBundle, answer: (reply: ParseReply) => void): readonly string[] {
  const rejections: string[] = [];
  process.on('unhandledRejection', (reason) => {
    rejections.push(`a promise was rejected and nobody handles it: ${describeThrown(reason).message}`);
  });
  process.on('uncaughtException', (error) => {
    answer({ type: 'failed', error: describeImportError(error, bundle) });
    process.exit(1);
  });
  process.on('beforeExit', () => {
    answer(failed(file, 'the file waits at its top level for something that never happens (an await without end)'));
  });
  process.on('exit', (exitCode) => {
    answer(failed(file, `the file ended the process that read it (exit code ${exitCode}); a dag file may only define dags`));
  });
  return rejections;
}

function failed(file: string, message: string): ParseReply {
  return { type: 'failed', error: { message, file } };
}

/** Says on standard error which native module is about to be loaded: should it crash the process, nobody else could tell. */
function announceNativeModules(): void {
  const dlopen = process.dlopen.bind(process) as (...parts: readonly unknown[]) => void;
  process.dlopen = (module: object, filename: string, flags?: number): void => {
    const record = JSON.stringify({ loadsNativeModule: filename });
    writeFully(STDERR_FD, Buffer.from(`\n${RECORD_SEPARATOR}${record}\n`));
    dlopen(...(flags === undefined ? [module, filename] : [module, filename, flags]));
  };
}
