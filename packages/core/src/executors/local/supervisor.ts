/**
 * One child and the try that it runs.
 *
 *   starting ── ready ──▸ idle ◂── ended ──┐
 *                          └── start ──▸ busy
 *   any of them ── its process ends, or is ended ──▸ ending ── its process group is gone ──▸ gone
 *
 * A try ends once: by the child's `ended`, or, when it is ended early (timeout, cancel, nonsense on the channel), by that reason as soon as
 * its process group is gone, so that the next attempt never runs beside it. Messages about another attempt are ignored.
 */
import {
  createFrameReader,
  encodeFrame,
  EXECUTION_PROTOCOL_VERSION,
  MAX_FRAME_BYTES,
  type Attempt,
  type ChildMessage,
  type SupervisorMessage,
  type TryFailure,
  type TryOutcome,
  type Workload,
} from '@tradewind/protocol';
import { childMessageSchema } from '@tradewind/protocol/schemas';
import { startAuthorProcess, type AuthorProcess, type ChildProcessSettings, type ProcessEnd } from '../../platform/child-process.ts';
import { startNote } from '../../platform/attempt-notes.ts';
import type { Timer } from '../../platform/clock.ts';
import { messageOf } from '../../platform/errors.ts';
import { isUnreadableSecret } from '../../platform/secret-box.ts';
import type { TaskServices } from '../../platform/task-services.ts';
import { attemptKey } from './attempt-key.ts';
import type { PooledChild, PooledChildEvents } from './child-pool.ts';
import { describeProcessEnd } from './describe-process-end.ts';
import type { InputFiles, WrittenInputs } from './input-files.ts';
import type { LogWriter } from './log-writer.ts';
import { isPlainSuccess, noteOutcome } from './note-outcome.ts';
import type { OutOfMemoryKills } from './out-of-memory-kills.ts';
import { RequestDesk } from './request-desk.ts';
import { TaskOutput } from './task-output.ts';
import { guardOutcome, openWorkload, type TrySecrets } from './try-secrets.ts';
import type { LoggedTry } from './waiting-tries.ts';

/** What every child of an executor shares. */
export interface SupervisorSettings extends ChildProcessSettings {
  /** The file that the child runs, as `authorEntry` finds it. */
  readonly entry: string;
  /** How long a try that is ended early has to end by itself. */
  readonly graceMs: number;
  readonly writer: LogWriter;
  /** Where large inputs are handed over. */
  readonly inputs: InputFiles;
  /** Answers what tries ask. */
  readonly services: TaskServices;
  /** Keeps secrets out of logs, failures and values. */
  readonly secrets: TrySecrets;
  readonly kills: OutOfMemoryKills;
}

/** The try that a child runs. */
interface CurrentTry extends LoggedTry {
  readonly sentMs: number;
  readonly requests: RequestDesk;
  /** Set when the author's function was entered: by the wall clock, and by the one that never runs backwards. */
  started?: { readonly at: number; readonly childAt: number; readonly monotonicMs: number };
  timeout?: Timer;
  /** Set where some of its inputs lie in files. */
  inputs?: WrittenInputs;
}

/** A process whose channel has closed is about to end; one that does not is ended. */
const CLOSED_CHANNEL_MS = 1_000;

/** Supervises one child from its start to its end. */
export class Supervisor implements PooledChild {
  readonly #settings: SupervisorSettings;
  readonly #events: PooledChildEvents;
  readonly #bornMs: number;
  #state: PooledChild['state'] = 'starting';
  #process: AuthorProcess | undefined;
  #output: TaskOutput | undefined;
  #current: CurrentTry | undefined;
  #verdict: TryFailure | undefined;
  #grace: Timer | undefined;
  #wasReady = false;
  #tries = 0;
  #heapUsedBytes = 0;
  #lastTryMs: number | undefined;
  #leftBehind: string | undefined;

  /** Starts the child; `onIdle` or `onGone` follows. */
  constructor(settings: SupervisorSettings, events: PooledChildEvents) {
    this.#settings = settings;
    this.#events = events;
    this.#bornMs = settings.clock.monotonicMs();
    void this.#begin();
  }

  get state(): PooledChild['state'] {
    return this.#state;
  }

  get tries(): number {
    return this.#tries;
  }

  get leftBehind(): string | undefined {
    return this.#leftBehind;
  }

  /** The heap in use after its last try; garbage counts until V8 collects it. */
  get heapUsedBytes(): number {
    return this.#heapUsedBytes;
  }

  get lastTryMs(): number | undefined {
    return this.#lastTryMs;
  }

  get stuckSinceMs(): number | undefined {
    if (this.#state === 'starting') return this.#bornMs;
    return this.#current !== undefined && this.#current.started === undefined ? this.#current.sentMs : undefined;
  }

  runs(attempt: Attempt): boolean {
    return this.#current !== undefined && attemptKey(this.#current.workload.attempt) === attemptKey(attempt);
  }

  start({ workload, log }: LoggedTry): void {
    this.#current = { workload, log, sentMs: this.#settings.clock.monotonicMs(), requests: this.#openDesk(workload) };
    this.#state = 'busy';
    this.#tries += 1;
    this.#send(this.#current);
  }

  #send(current: CurrentTry, hasNewestKeys = false): void {
    const { workload, log } = current;
    const prepared = this.#prepare(current);
    if ('refusal' in prepared) {
      if (prepared.isUnreadable && !hasNewestKeys) void this.#sendWithNewestKeys(current);
      else this.#refuse(prepared.refusal);
      return;
    }
    this.#process?.control.write(prepared.frame);
    this.#output?.begin(workload.attempt, log);
    log.begin(startNote(this.#process?.pid, workload.context.tryNumber));
  }

  /** What does not open may have been sealed by another process with a key that this one has not read yet. */
  async #sendWithNewestKeys(current: CurrentTry): Promise<void> {
    const { secrets, log } = this.#settings;
    try {
      await secrets.sealer?.refreshKeys();
    } catch (error) {
      log.warning('the keys of secrets could not be read again', { problem: messageOf(error) });
    }
    if (this.#current === current && this.#verdict === undefined) this.#send(current, true);
  }

  /**
   * Ends the try early, and the child with it: the task is told through `context.signal` and SIGTERM, and killed when the grace period is
   * over. Where there is no try the child is just ended.
   */
  endEarly(failure: TryFailure): void {
    if (this.#current === undefined || this.#process === undefined) {
      this.kill();
      return;
    }
    if (this.#verdict !== undefined) return;
    this.#verdict = failure;
    this.#process.control.write(encodeFrame({ type: 'cancel', reason: failure.message } satisfies SupervisorMessage));
    this.#process.signalGroup('SIGTERM');
    this.#grace = this.#settings.clock.setTimer(this.#settings.graceMs, () => this.kill());
  }

  condemn(failure: TryFailure): void {
    this.#verdict ??= failure;
    this.kill();
  }

  /** Ends the child and all of its process group at once. */
  kill(): void {
    if (this.#state !== 'gone') this.#state = 'ending';
    this.#process?.signalGroup('SIGKILL');
  }

  /** The message that starts the try, or why there is none: the child would refuse it without being able to name the try. */
  #prepare(current: CurrentTry): { readonly frame: Uint8Array } | { readonly refusal: TryFailure; readonly isUnreadable: boolean } {
    const { workload } = current;
    try {
      const opened = openWorkload(workload, this.#settings.secrets);
      current.inputs = this.#settings.inputs.write(workload, opened);
      const frame = encodeFrame(startMessage(opened, current.inputs));
      if (frame.length <= MAX_FRAME_BYTES) return { frame };
      const message = `the task’s inputs have ${frame.length} bytes together, and at most ${MAX_FRAME_BYTES} are passed on; pass the place of large data`;
      return { refusal: { kind: 'bad_value', message }, isUnreadable: false };
    } catch (error) {
      const message = `the task’s inputs could not be handed over: ${messageOf(error)}`;
      return { refusal: { kind: 'error', message }, isUnreadable: isUnreadableSecret(error) };
    }
  }

  #refuse(failure: TryFailure): void {
    this.#lastTryMs = undefined;
    this.#finish({ result: 'failed', failure }, () => this.#becomeIdle());
  }

  async #begin(): Promise<void> {
    const { entry, writer } = this.#settings;
    try {
      this.#process = await startAuthorProcess(entry, this.#settings);
    } catch (error) {
      this.#state = 'gone';
      this.#events.onGone(this, messageOf(error));
      return;
    }
    const { control, exited, ended } = this.#process;
    this.#output = new TaskOutput(this.#process, writer, this.#settings.secrets.masker);
    this.#listen(this.#process);
    control.on('close', () => this.#onChannelClosed());
    void exited.then(() => this.#output?.readRest());
    void ended.then((end) => this.#onProcessEnd(end));
    // Somebody may have ended it while the process was being started.
    if (this.#state === 'ending') this.kill();
  }

  #listen({ control }: AuthorProcess): void {
    const takeChunk = createFrameReader();
    control.on('data', (chunk: Buffer) => {
      try {
        for (const message of takeChunk(chunk)) this.#onMessage(childMessageSchema.parse(message));
      } catch (error) {
        control.pause();
        this.condemn({ kind: 'crashed', message: `the process sent something that is no message: ${messageOf(error).slice(0, 500)}` });
      }
    });
  }

  #onMessage(message: ChildMessage): void {
    switch (message.type) {
      case 'ready':
        this.#onReady(message.protocolVersion);
        return;
      case 'started':
        if (this.runs(message.attempt)) this.#onStarted(message.at);
        return;
      case 'request':
        if (this.runs(message.attempt)) this.#onRequest(message);
        return;
      case 'ended':
        if (this.runs(message.attempt)) this.#onEnded(message);
    }
  }

  #onReady(protocolVersion: number): void {
    if (this.#state !== 'starting') return;
    if (protocolVersion !== EXECUTION_PROTOCOL_VERSION) {
      this.condemn({
        kind: 'spawn',
        message: `the process speaks version ${protocolVersion} of the protocol and not ${EXECUTION_PROTOCOL_VERSION}; install the same version of all packages`,
      });
      return;
    }
    this.#wasReady = true;
    this.#becomeIdle();
  }

  #becomeIdle(): void {
    this.#state = 'idle';
    this.#events.onIdle(this);
  }

  #onStarted(childAt: number): void {
    const current = this.#current;
    if (current === undefined || current.started !== undefined) return;
    const { clock } = this.#settings;
    const monotonicMs = clock.monotonicMs();
    // The child's clock says it best, as long as it says something that can be true.
    const now = clock.now();
    const earliest = now - (monotonicMs - current.sentMs) - 1;
    const at = Math.min(Math.max(childAt, earliest), now + 1);
    current.started = { at, childAt, monotonicMs };
    const { executionTimeoutMs } = current.workload;
    if (executionTimeoutMs !== undefined) current.timeout = clock.setTimer(executionTimeoutMs, () => this.#onTimeout(executionTimeoutMs));
    if (this.#verdict === undefined && this.#process !== undefined) this.#events.onStarted(current.workload, at, this.#process.pid);
  }

  #openDesk({ attempt }: Workload): RequestDesk {
    const { services, clock, log } = this.#settings;
    return new RequestDesk({ attempt, services, clock, log, send: (frame) => void this.#process?.control.write(frame) });
  }

  #onRequest({ requestId, request }: ChildMessage & { type: 'request' }): void {
    if (this.#current?.requests.take(requestId, request) !== false) return;
    this.condemn({ kind: 'crashed', message: 'the process asked for more at the same time than the protocol allows' });
  }

  #onTimeout(executionTimeoutMs: number): void {
    this.endEarly({ kind: 'timeout', message: `the task took longer than its executionTimeout of ${executionTimeoutMs / 1_000} s` });
  }

  #onEnded({ outcome, at, heapUsedBytes, leftBehind }: ChildMessage & { type: 'ended' }): void {
    if (this.#verdict !== undefined) {
      // It has cleaned up; what it started goes with it.
      this.kill();
      return;
    }
    this.#heapUsedBytes = heapUsedBytes;
    this.#leftBehind = leftBehind;
    this.#lastTryMs = this.#durationOf(at);
    this.#finish(outcome, () => this.#becomeIdle(), this.#lastTryMs);
  }

  /** How long the author's function took: by the child, which knows it best, as long as it says something that can be true. Undefined where it was never entered. */
  #durationOf(childEndedAt: number): number | undefined {
    const { started, sentMs = 0 } = this.#current ?? {};
    if (started === undefined) return undefined;
    return Math.min(Math.max(0, childEndedAt - started.childAt), this.#settings.clock.monotonicMs() - sentMs);
  }

  /** Tells how the try ended, after `next` has put the child to use again; its log follows. */
  #finish(raw: TryOutcome, next: () => void, knownMs?: number): void {
    const current = this.#current;
    if (current === undefined) return;
    this.#current = undefined;
    this.#verdict = undefined;
    current.timeout?.cancel();
    current.inputs?.remove();
    current.requests.close();
    const { workload, log, started } = current;
    const outcome = guardOutcome(raw, this.#settings.secrets);
    const { clock } = this.#settings;
    const durationMs = knownMs ?? (started === undefined ? 0 : clock.monotonicMs() - started.monotonicMs);
    const at = started === undefined ? clock.now() : started.at + durationMs;
    const leftBehind = this.#leftBehind;
    next();
    this.#events.onEnded(workload, at, outcome);
    const facts = { durationMs, leftBehind };
    const close = (): void => log.close(() => noteOutcome(log, outcome, facts), isPlainSuccess(outcome, facts));
    if (this.#output?.finish(workload.attempt, close) !== true) close();
  }

  #onChannelClosed(): void {
    const timer = this.#settings.clock.setTimer(CLOSED_CHANNEL_MS, () => {
      this.condemn({
        kind: 'crashed',
        message: 'the process closed its channel to the supervisor, so that its result could not be received',
      });
    });
    void this.#process?.exited.then(() => timer.cancel());
  }

  async #onProcessEnd(end: ProcessEnd): Promise<void> {
    const wasKilled = this.#state === 'ending';
    this.#state = 'ending';
    this.#grace?.cancel();
    this.#output?.end();
    const current = this.#current;
    if (current !== undefined) {
      const isOutOfMemoryKill = end.signal === 'SIGKILL' && !wasKilled && (await this.#settings.kills.haveIncreased());
      this.#settle(current, this.#describe(end, isOutOfMemoryKill), end);
    }
    this.#state = 'gone';
    const problem = this.#wasReady ? undefined : this.#describe(end, false);
    this.#events.onGone(this, problem === undefined ? undefined : [problem.message, problem.detail].join('\n').trim());
  }

  #settle(current: CurrentTry, failure: TryFailure, end: ProcessEnd): void {
    const isInnocent = this.#verdict === undefined && current.started === undefined && this.#tries > 1;
    if (end.hasSurvivors) current.log.note('warning', { event: 'the task started a process that left its process group and goes on' });
    if (!isInnocent) {
      this.#finish({ result: 'failed', failure: this.#verdict ?? failure }, () => undefined);
      return;
    }
    this.#current = undefined;
    current.inputs?.remove();
    current.requests.close();
    current.log.note('warning', { event: `${failure.message}; an earlier try left it in this state, the task is started in another one` });
    this.#events.onReturned(current);
  }

  #describe(end: ProcessEnd, isOutOfMemoryKill: boolean): TryFailure {
    const { maxHeapMegabytes } = this.#settings;
    return this.#verdict ?? describeProcessEnd(end, { stderrTail: this.#output?.stderrTail ?? '', maxHeapMegabytes, isOutOfMemoryKill });
  }
}

function startMessage(workload: Workload, { files }: WrittenInputs): SupervisorMessage {
  const names = Object.keys(files);
  if (names.length === 0) return { type: 'start', workload };
  const inputsJson = Object.fromEntries(Object.entries(workload.inputsJson).filter(([name]) => !names.includes(name)));
  return { type: 'start', workload: { ...workload, inputsJson }, inputFiles: files };
}
