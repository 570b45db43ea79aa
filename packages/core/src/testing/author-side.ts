import type {
  CallbackWork,
  TimetableAnswer,
  TimetableQuestion,
  TriggerEvent,
  TriggerWork,
  TryOutcome,
  Workload,
} from '@tradewind/protocol';
import type { Dag } from '@tradewind/sdk';
import { askTimetable, runCallbacks, runFakeTrigger, runTry, type FakeTrigger, type RunTryOptions } from '@tradewind/sdk/testing';
import { startTimetableKeeper, type TimetableKeeperParts } from '../dag-processor/timetable-keeper.ts';
import type { Clock } from '../platform/clock.ts';
import { messageOf } from '../platform/errors.ts';
import type { TaskServices } from '../platform/task-services.ts';
import type { AuthorCode } from './author-code.ts';
import { badEnvironment, type FakesOfDags } from './store-dags.ts';
import type { TestLog } from './test-log.ts';

/** What the author's side of a test environment is made of. */
export interface AuthorSideParts extends Pick<RunTryOptions, 'variables' | 'connections'> {
  readonly dags: readonly Dag[];
  readonly fakes?: FakesOfDags;
  readonly triggers?: Readonly<Record<string, FakeTrigger>>;
  readonly clock: Clock;
  readonly code: AuthorCode;
  readonly log: TestLog;
  readonly answers: TaskServices;
  /** Hears of what ends the test. */
  readonly onProblem: (problem: unknown) => void;
}

/** Runs the author's code in this process. No part of it rejects. */
export interface AuthorSide {
  readonly run: (workload: Workload, signal: AbortSignal) => Promise<TryOutcome>;
  readonly fire: (work: TriggerWork) => Promise<TriggerEvent>;
  readonly call: (work: CallbackWork) => Promise<string | null>;
}

/** Puts together what runs tries, triggers and callbacks. */
export function composeAuthorSide(parts: AuthorSideParts): AuthorSide {
  const { clock, code, log, answers, triggers = {}, onProblem } = parts;
  const dags = new Map(parts.dags.map((dag) => [dag.dagId, dag]));
  const find = (dagId: string): Dag => dags.get(dagId) ?? unknown(dagId);
  const sensorClock = { now: () => clock.now(), sleep: async (ms: number, signal: AbortSignal) => code.sleep(ms, signal) };
  const { variables = {}, connections = {}, fakes = {} } = parts;
  return {
    async run(workload, signal) {
      const { dagId, runId, taskId, mapIndex, tryNumber } = workload.context;
      return runTry(find(dagId), workload, {
        variables,
        connections,
        fakes: fakes[dagId] ?? {},
        ask: async (request) => answers.answer(workload.attempt, request),
        clock: sensorClock,
        log: log.ofCode('task', { dagId, runId, taskId, tryNumber, ...(mapIndex === -1 ? {} : { mapIndex }) }),
        signal,
      });
    },
    async fire(work) {
      const { name, taskId, dagId } = work;
      const fake = Object.hasOwn(triggers, name) ? triggers[name] : undefined;
      if (fake !== undefined) return runFakeTrigger(fake, work);
      const message = `task "${taskId}" of dag "${dagId}" waits for the trigger "${name}"; say what happens: triggers: { ${name}: event }`;
      onProblem(badEnvironment(message));
      return { ok: false, message };
    },
    async call(work) {
      const { dagId, runId } = work.context;
      const callback = work.target.of === 'deadline' ? work.target.name : work.target.when;
      const call = { signal: new AbortController().signal, log: log.ofCode('callback', { dagId, runId, callback }) };
      const { failures, problem } = await runCallbacks(find(dagId), work, call);
      const reasons = [...(problem === undefined ? [] : [problem]), ...failures.map(({ message }) => message)];
      return reasons.length === 0 ? null : reasons.join('; ');
    },
  };
}

/** What a keeper of timetables is given here. */
export type TestTimetableParts = Omit<TimetableKeeperParts, 'ask' | 'locateCode'> & Pick<AuthorSideParts, 'onProblem'>;

/** Keeps the runs that timetables in code name some way ahead. It looks when it is told that a run of such a dag has started or ended, and never because time has passed. */
export function startTimetables(
  dags: readonly Dag[],
  { onProblem, ...parts }: TestTimetableParts,
): { wake(dagId: string): void; stop(): Promise<void> } {
  const own = dags.filter(({ timetable }) => timetable !== undefined);
  if (own.length === 0) return { wake() {}, stop: () => Promise.resolve() };
  const ask = (question: TimetableQuestion): TimetableAnswer | { type: 'failed'; error: { message: string } } => {
    try {
      return askTimetable(own, question);
    } catch (error) {
      onProblem(badEnvironment(messageOf(error)));
      return { type: 'failed', error: { message: messageOf(error) } };
    }
  };
  const keeper = startTimetableKeeper({
    ...parts,
    clock: { ...parts.clock, setTimer: () => ({ cancel() {} }) },
    ask: (_code, question) => Promise.resolve(ask(question)),
    locateCode: (file, bundleVersion) => ({ bundleFolder: '/', file, bundleVersion, manifestFile: '/' }),
  });
  return {
    wake(dagId) {
      if (own.some((dag) => dag.dagId === dagId)) keeper.wake();
    },
    stop: () => keeper.stop(),
  };
}

function unknown(dagId: string): never {
  throw badEnvironment(`there is no dag "${dagId}"`);
}
