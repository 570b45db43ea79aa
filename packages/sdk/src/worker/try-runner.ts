import { setImmediate } from 'node:timers/promises';
import { getHeapStatistics } from 'node:v8';
import { type Attempt, type ChildMessage, type TaskResponse, type TryFailure, type TryOutcome, type Workload } from '@tradewind/protocol';
import type { TaskLog } from '../authoring/task-context.ts';
import type { FoundTask } from './dag-loader.ts';
import { describeThrown } from './describe-thrown.ts';
import { findDescriptorLeak, findLeftovers, noteProcessState, type ProcessState } from './process-state.ts';
import { RequestChannel, type TryRequests } from './request-channel.ts';
import { runTask } from './run-task.ts';
import { createTaskContext, type CreatedTaskContext } from './task-context.ts';
import { TryInputs } from './try-inputs.ts';

/** What a runner needs of its process. */
export interface TryRunnerParts {
  readonly send: (message: ChildMessage) => void;
  readonly findTask: (workload: Workload) => Promise<FoundTask>;
  readonly log: TaskLog;
  /** Marks the end of a try's output; false where it cannot, so that the next try's output would be taken for this one's. */
  readonly endOutput: (attempt: Attempt) => boolean;
}

/** The shell's code for a process that SIGTERM ended. */
const EXIT_CODE_OF_SIGTERM = 143;
/** Counting descriptors takes longer than a whole try that does nothing. */
const TRIES_PER_DESCRIPTOR_COUNT = 50;

/** A try, from `start` to `ended`. */
interface CurrentTry {
  readonly workload: Workload;
  readonly inputs: TryInputs;
  readonly abort: AbortController;
  readonly requests: TryRequests;
  /** Whether the author's function has been entered; before that, what goes wrong is the import's fault. */
  isEntered: boolean;
  /** Whether the author's code asked for the signal, so that it may end by itself when the signal aborts. */
  usesSignal: boolean;
}

/** Runs tries in this process, at most one at a time. */
export class TryRunner {
  readonly #parts: TryRunnerParts;
  readonly #channel: RequestChannel;
  readonly #importedFiles = new Set<string>();
  #clean: ProcessState | undefined;
  #tries = 0;
  #current: CurrentTry | undefined;

  constructor(parts: TryRunnerParts) {
    this.#parts = parts;
    this.#channel = new RequestChannel(parts.send);
  }

  /**
   * Runs one try and sends how it ended. Never rejects.
   * @param inputFiles of the message that starts it
   */
  async start(workload: Workload, inputFiles?: Readonly<Record<string, string>>): Promise<void> {
    const requests = this.#channel.open(workload.attempt);
    const inputs = new TryInputs(workload.inputsJson, inputFiles);
    const current: CurrentTry = { workload, inputs, abort: new AbortController(), requests, isEntered: false, usesSignal: false };
    this.#current = current;
    const task = await this.#parts.findTask(workload);
    if (!task.found) {
      this.#end(current, { result: 'failed', failure: task.failure });
      return;
    }
    const clean = this.#noteCleanState(workload.code.file);
    const outcome = await this.#run(current, task);
    inputs.close();
    // Only after this turn of the event loop does Node announce a rejection that nobody handles; it fails the try, too.
    await setImmediate();
    this.#tries += 1;
    const leftBehind = [
      ...describeUnanswered(requests.close()),
      ...findLeftovers(clean),
      ...(this.#tries % TRIES_PER_DESCRIPTOR_COUNT === 0 ? findDescriptorLeak() : []),
    ];
    this.#end(current, outcome, leftBehind.length === 0 ? undefined : leftBehind.join('; '));
  }

  /**
   * Asks the try that runs to end early. Code that never asked for its signal cannot, so the process ends at once.
   * @returns false where no try runs
   */
  cancel(reason: string): boolean {
    const current = this.#current;
    if (current === undefined) return false;
    current.abort.abort(new DOMException(reason, 'AbortError'));
    if (!current.usesSignal) process.exit(EXIT_CODE_OF_SIGTERM);
    return true;
  }

  /** Hands the environment's answer to whoever asked. */
  answer(requestId: number, response: TaskResponse): void {
    this.#channel.settle(requestId, response);
  }

  /** Ends the try that runs as failed by an error that nobody caught; the process must end after it. */
  endByUncaught(error: unknown, origin: NodeJS.UncaughtExceptionOrigin): void {
    const { message, detail } = describeThrown(error);
    const what =
      origin === 'unhandledRejection' ? 'a promise was rejected and nobody handled it' : 'an error was thrown and nobody caught it';
    this.#endByProcess('error', `${what}: ${message}`, detail);
  }

  /** Ends the try that runs because the process is ending. */
  endByExit(exitCode: number): void {
    const reason: unknown = this.#current?.abort.signal.reason;
    const message =
      reason === undefined
        ? `the process was ended with exit code ${exitCode} before the task returned; return from it, or throw, instead of calling process.exit`
        : `ended early: ${describeThrown(reason).message}`;
    this.#endByProcess(exitCode === 0 ? 'no_result' : 'crashed', message, new Error('process.exit was called here').stack);
  }

  #noteCleanState(file: string): ProcessState {
    // What an import changes and opens stays for the tries after it; what a try changes does not.
    if (this.#clean === undefined || !this.#importedFiles.has(file)) this.#clean = noteProcessState();
    this.#importedFiles.add(file);
    return this.#clean;
  }

  async #run(current: CurrentTry, task: FoundTask & { found: true }): Promise<TryOutcome> {
    const { attempt, context, resumption } = current.workload;
    const resumed = resumption === undefined ? {} : { resumption };
    let inputs: Readonly<Record<string, unknown>>;
    let created: CreatedTaskContext;
    try {
      inputs = current.inputs.read(task.mappedInputs);
      created = createTaskContext(context, {
        signal: current.abort.signal,
        log: this.#parts.log,
        outlets: task.outlets,
        outletAliases: task.task?.outletAliases ?? [],
        inlets: task.task?.inlets ?? [],
        ask: current.requests.ask,
      });
    } catch (error) {
      return { result: 'failed', failure: { kind: 'error', message: `the try could not be prepared: ${describeThrown(error).message}` } };
    }
    noteUseOfSignal(created, current);
    current.isEntered = true;
    this.#parts.send({ type: 'started', attempt, at: now() });
    const { ask } = current.requests;
    return runTask(task, { tryContext: context, ...resumed, inputs, created, ask, log: this.#parts.log });
  }

  #endByProcess(kind: TryFailure['kind'], message: string, detail: string | undefined): void {
    const current = this.#current;
    // A try that was not entered yet is not to blame for what an earlier one left behind: unreported, it is started elsewhere.
    if (current === undefined || (!current.isEntered && this.#tries > 0)) return;
    const failure = current.isEntered
      ? { kind, message }
      : ({ kind: 'import', message: `while ${current.workload.code.file} was imported, ${message}` } as const);
    this.#end(current, { result: 'failed', failure: detail === undefined ? failure : { ...failure, detail } }, 'the process had to end');
  }

  /** A try can end twice: by its result, and by what happens to the process at the same moment. The first one counts. */
  #end(current: CurrentTry, outcome: TryOutcome, leftBehind?: string): void {
    if (this.#current !== current) return;
    this.#current = undefined;
    const { attempt } = current.workload;
    const rest = { at: now(), heapUsedBytes: heapUsedBytes(), ...(leftBehind === undefined ? {} : { leftBehind }) };
    try {
      this.#parts.send({ type: 'ended', attempt, outcome, ...rest });
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      const message = `the task’s value and events together cannot be passed on: ${error.message}; keep large data elsewhere and pass its place`;
      this.#parts.send({ type: 'ended', attempt, outcome: { result: 'failed', failure: { kind: 'bad_value', message } }, ...rest });
    }
    if (!this.#parts.endOutput(attempt)) process.exit(1);
  }
}

function heapUsedBytes(): number {
  const { used_heap_size: onHeap, external_memory: outside } = getHeapStatistics();
  return onHeap + outside;
}

/** Wall-clock milliseconds with fractions, which never run backwards. */
function now(): number {
  return performance.timeOrigin + performance.now();
}

function describeUnanswered(count: number): string[] {
  return count === 0 ? [] : [`${count} requests to the environment that nobody waits for`];
}

function noteUseOfSignal({ context }: CreatedTaskContext, current: CurrentTry): void {
  Object.defineProperty(context, 'signal', {
    get: () => {
      current.usesSignal = true;
      return current.abort.signal;
    },
  });
}
