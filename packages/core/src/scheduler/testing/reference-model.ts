/**
 * A run once more, by the letter of the rules and with nothing kept that can be asked again: after each step of the played world it says which state each task instance may be in, and which it
 * must have left. It shares no code with the scheduler or with the graph that the scheduler works on.
 */
import type { JsonValue, SerializedDag, SerializedTask, TaskInstanceState, TryOutcome } from '@tradewind/protocol';
import { listOf, scopeOf, sourcesOf } from './reference-dag.ts';
import { asksPast, rightDecisions } from './reference-decisions.ts';
import type { Decision } from './reference-rules.ts';
import {
  checkMapIndexes,
  checkRunState,
  decide,
  FINISHED,
  lengthOfScope,
  nameOf,
  taskOf,
  type Asked,
  type Facts,
  type ObservedInstance,
  type ObservedRun,
  type ReferenceLength,
} from './reference-run.ts';

/** What has happened since the last look. */
export interface StepEvents {
  readonly now: number;
  /** By attempt, how its try ended. */
  readonly ended: ReadonlyMap<string, TryOutcome>;
  /** Attempts that ever reported that they began. */
  readonly started: ReadonlySet<string>;
  readonly isCrash: boolean;
  /** Whether the run before has what a task asks of it: at some moment of the step, and for so long that it must have been noticed. */
  readonly past: (task: SerializedTask) => { readonly mayPass: boolean; readonly mustPass: boolean };
}

/** The name of an attempt. */
export function attemptName({ id, epoch }: { readonly id: string; readonly epoch: number }): string {
  return `${id} ${epoch}`;
}

/** A state and by how much the try number is raised on the way to it. */
type Next = readonly [TaskInstanceState, number];

/** One step of a run, before and after. */
interface Step {
  readonly before: ReadonlyMap<string, ObservedInstance>;
  readonly after: ObservedRun;
  readonly events: StepEvents;
  readonly isHalting: boolean;
}

/** The states in which an attempt is with a worker. */
const WORKING: ReadonlySet<TaskInstanceState> = new Set(['queued', 'running', 'restarting']);
const NEVER = Number.POSITIVE_INFINITY;

/** One run of a dag, as it must be. */
export class ReferenceRun {
  readonly dag: SerializedDag;
  #known: ObservedRun = { state: 'queued', markedState: null, lengths: new Map(), instances: [] };
  readonly #facts = new Map<string, Facts>();

  constructor(dag: SerializedDag) {
    this.dag = dag;
  }

  get known(): ObservedRun {
    return this.#known;
  }

  /** Takes over what somebody changed by hand: what was cleared has no value and no choice any more. */
  adopt(observed: ObservedRun): void {
    for (const { id, state } of observed.instances) if (state === 'none') this.#facts.delete(id);
    this.#known = observed;
  }

  /** Compares a step with what it may and must have been, and returns what is wrong with it. */
  follow(observed: ObservedRun, events: StepEvents): readonly string[] {
    const before = new Map(this.#known.instances.map((instance) => [instance.id, instance]));
    for (const instance of before.values()) this.#learn(instance, events);
    const step = { before, after: observed, events, isHalting: this.#isHalting(before, events) };
    const problems = [...checkRunState(this.#ask(observed), this.#known), ...this.#checkExpansions(step)];
    for (const instance of observed.instances) problems.push(...this.#checkInstance(instance, step));
    this.#known = observed;
    return problems;
  }

  /** Whether something waits for what only earlier runs can give. */
  waitsForPast(events: StepEvents): boolean {
    return this.#known.instances.some((instance) => {
      if (instance.state !== 'none') return false;
      const task = taskOf(this.dag, instance);
      const decision = decide(this.#ask(this.#known), instance, ({ state }) => state);
      return decision !== 'wait' && asksPast(task, decision) && !events.past(task).mayPass;
    });
  }

  #ask(run: ObservedRun): Asked {
    return { dag: this.dag, run, facts: this.#facts };
  }

  /** Notes what the end of a try leaves behind. */
  #learn(instance: ObservedInstance, events: StepEvents): void {
    const { now } = events;
    // A try that is lost with its process is given back at once.
    if (events.isCrash && instance.state === 'running') this.#facts.set(instance.id, { retryAt: now });
    const outcome = this.#endOf(instance, events);
    if (outcome === undefined) return;
    switch (outcome.result) {
      case 'success':
        this.#facts.set(instance.id, {
          value: JSON.parse(outcome.valueJson) as JsonValue,
          ...(outcome.decision === undefined ? {} : { decision: outcome.decision }),
        });
        break;
      case 'failed':
        this.#facts.set(instance.id, { retryAt: now + taskOf(this.dag, instance).retryDelayMs });
        break;
      case 'rescheduled':
        this.#facts.set(instance.id, { dueAt: outcome.at });
        break;
      case 'deferred': {
        const { trigger, timeoutAt } = outcome.deferral;
        const dueAt = trigger.kind === 'timer' ? trigger.at : NEVER;
        const isFailing = timeoutAt !== undefined && timeoutAt < dueAt;
        const retryAt = Math.max(now, timeoutAt ?? 0) + taskOf(this.dag, instance).retryDelayMs;
        this.#facts.set(instance.id, isFailing ? { failsAt: timeoutAt, retryAt } : { dueAt });
        break;
      }
      case 'skipped':
        this.#facts.delete(instance.id);
    }
  }

  /** How the try of a task instance ended in this step; undefined where it did not, or where nobody waits for it any more. */
  #endOf(instance: ObservedInstance, { ended }: StepEvents): TryOutcome | undefined {
    if (instance.state !== 'queued' && instance.state !== 'running') return undefined;
    const outcome = ended.get(attemptName(instance));
    if (outcome?.result !== 'success' || !this.#isMappedOver(taskOf(this.dag, instance))) return outcome;
    // What cannot be mapped over is the producer's fault.
    if (listOf(JSON.parse(outcome.valueJson) as JsonValue) !== undefined) return outcome;
    return { result: 'failed', failure: { kind: 'bad_value', message: '' } };
  }

  #isMappedOver(task: SerializedTask): boolean {
    if (scopeOf(this.dag, task) !== undefined) return false;
    return this.dag.tasks.some((other) => {
      const scope = scopeOf(this.dag, other);
      return scope !== undefined && sourcesOf(this.dag, scope.expand).includes(task);
    });
  }

  /** Whether the first failure of a dag that wants no second is in this step. */
  #isHalting(before: ReadonlyMap<string, ObservedInstance>, events: StepEvents): boolean {
    if (this.dag.failFast !== true) return false;
    return [...before.values()].some((instance) => {
      if (taskOf(this.dag, instance).role === 'teardown') return false;
      const { failsAt = NEVER } = this.#facts.get(instance.id) ?? {};
      const outcome = this.#endOf(instance, events);
      const isOverdue = (instance.state === 'deferred' || outcome?.result === 'deferred') && failsAt <= events.now;
      const isFailure = outcome?.result === 'failed' || isOverdue;
      const isFinal = outcome?.result === 'failed' && outcome.failure.kind === 'fail_without_retry';
      return isFailure && (isFinal || instance.tryNumber >= instance.maxTries);
    });
  }

  #checkExpansions({ after, before }: Step): string[] {
    if (after.state === 'queued') return [];
    const problems: string[] = [];
    const asked = this.#ask(after);
    const seen = new Set<string>();
    for (const task of this.dag.tasks) {
      const scope = scopeOf(this.dag, task);
      problems.push(...checkMapIndexes(asked, task));
      if (scope === undefined || seen.has(scope.id)) continue;
      seen.add(scope.id);
      const length = after.lengths.get(scope.id);
      const known = this.#known.lengths.get(scope.id);
      if (known !== undefined && known !== length) problems.push(`${scope.id} had ${known} task instances and now ${length}`);
      if (known !== undefined || length === undefined) continue;
      const expected = lengthOfScope(asked, scope);
      if (expected !== length) problems.push(`${scope.id} was expanded to ${length} task instances instead of ${expected}`);
    }
    for (const id of before.keys())
      if (!after.instances.some((instance) => instance.id === id)) problems.push(`a task instance is gone: ${id}`);
    return problems;
  }

  #checkInstance(instance: ObservedInstance, step: Step): string[] {
    const before = step.before.get(instance.id) ?? { ...instance, state: 'none', epoch: 0, tryNumber: 0 };
    const allowed = this.#mayBecome(before, instance, step);
    const problems: string[] = [];
    if (!allowed.has(`${instance.state} ${instance.tryNumber}`)) {
      problems.push(
        `${nameOf(instance)} went from ${before.state} (try ${before.tryNumber}) to ${instance.state} (try ${instance.tryNumber}); allowed: ${[...allowed].join(', ')}`,
      );
    }
    if (instance.epoch < before.epoch) problems.push(`${nameOf(instance)} went back from epoch ${before.epoch} to ${instance.epoch}`);
    const overdue = this.#mustMove(before, instance, step);
    if (overdue !== undefined) problems.push(`${nameOf(instance)} is still ${instance.state}, although ${overdue}`);
    return problems;
  }

  /** Every state and try number that the task instance may have after the step. */
  #mayBecome(before: ObservedInstance, after: ObservedInstance, step: Step): ReadonlySet<string> {
    const reached = new Set<string>();
    const open: ObservedInstance[] = [before];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      const name = `${at.state} ${at.tryNumber}`;
      if (reached.has(name)) continue;
      reached.add(name);
      const isNextTry = at.tryNumber !== before.tryNumber;
      for (const [state, raised] of this.#nextStates({ ...at, mapIndex: after.mapIndex }, isNextTry, step)) {
        open.push({ ...at, state, tryNumber: at.tryNumber + raised });
      }
    }
    return reached;
  }

  #nextStates(at: ObservedInstance, isNextTry: boolean, step: Step): Next[] {
    const halted: Next = [at.state === 'running' ? 'failed' : 'skipped', 0];
    const isHalted = step.isHalting && !FINISHED.has(at.state) && taskOf(this.dag, at).role !== 'teardown';
    return [...(isHalted ? [halted] : []), ...this.#nextByItself(at, isNextTry, step), ...this.#nextInTime(at, step.events)];
  }

  #nextByItself(at: ObservedInstance, isNextTry: boolean, step: Step): Next[] {
    const { isCrash, started, ended } = step.events;
    const { state } = at;
    const attempt = attemptName(at);
    if (state === 'none')
      return [...this.#decisions(at, step).flatMap((decision) => this.#decided(at, decision, step)), ...this.#removal(at, step)];
    if (state === 'scheduled') return [['queued', 0]];
    if (state === 'queued') return [...only(!isNextTry && started.has(attempt), 'running'), ...only(isCrash, 'scheduled')];
    if (state === 'running') return [...(isNextTry ? [] : this.#ended(at, step.events)), ...only(isCrash, 'up_for_retry')];
    return only(state === 'restarting' && (isCrash || ended.has(attempt)), 'none');
  }

  #nextInTime(at: ObservedInstance, { now }: StepEvents): Next[] {
    const { dueAt = NEVER, failsAt = NEVER, retryAt = NEVER } = this.#facts.get(at.id) ?? {};
    if (at.state === 'up_for_retry' && retryAt <= now) return [['scheduled', 1]];
    if (at.state === 'deferred' && failsAt <= now) return [[at.tryNumber < at.maxTries ? 'up_for_retry' : 'failed', 0]];
    return only((at.state === 'up_for_reschedule' || at.state === 'deferred') && dueAt <= now, 'scheduled');
  }

  #ended(at: ObservedInstance, events: StepEvents): Next[] {
    const outcome = this.#endOf(at, events);
    switch (outcome?.result) {
      case undefined:
        return [];
      case 'success':
      case 'skipped':
        return [[outcome.result, 0]];
      case 'rescheduled':
        return [['up_for_reschedule', 0]];
      case 'deferred':
        return [['deferred', 0]];
      case 'failed':
        return [[outcome.failure.kind !== 'fail_without_retry' && at.tryNumber < at.maxTries ? 'up_for_retry' : 'failed', 0]];
    }
  }

  #decisions(at: ObservedInstance, { before, after }: Step): Decision[] {
    return rightDecisions(this.#ask(after), at, ({ id }) => before.get(id)?.state ?? 'none');
  }

  #decided(at: ObservedInstance, decision: Decision, { after, events }: Step): Next[] {
    const task = taskOf(this.dag, at);
    const isHeld = asksPast(task, decision) && !events.past(task).mayPass;
    if (decision === 'wait') return [];
    if (decision !== 'run') return isHeld ? [] : [[decision, 0]];
    const length = this.#lengthInStep(task, after);
    if (length === undefined) return [];
    if (length === 'missing') return [['upstream_failed', 0]];
    if (length === 'ill') return [['failed', 0]];
    if (isHeld) return [];
    return task.operator === 'empty' || task.decision?.kind === 'latest_only' ? [['success', 0]] : [['scheduled', 1]];
  }

  /** What a mapped task runs over, where that is not known yet; 1 where it does not matter any more. */
  #lengthInStep(task: SerializedTask, after: ObservedRun): ReferenceLength {
    const scope = scopeOf(this.dag, task);
    if (scope === undefined || this.#known.lengths.has(scope.id) || after.lengths.has(scope.id)) return 1;
    const length = lengthOfScope(this.#ask(after), scope);
    return typeof length === 'number' ? 1 : length;
  }

  /** Task instances end with the task that lost them: those of an empty list are skipped, surplus ones removed. */
  #removal(at: ObservedInstance, { after }: Step): Next[] {
    const scope = scopeOf(this.dag, taskOf(this.dag, at));
    const length = scope === undefined ? undefined : after.lengths.get(scope.id);
    const next: Next[] = [];
    if (length === 0) next.push(['skipped', 0]);
    if (this.#isSurplus(at, after)) next.push(['removed', 0]);
    return next;
  }

  #isSurplus(at: ObservedInstance, after: ObservedRun): boolean {
    const scope = scopeOf(this.dag, taskOf(this.dag, at));
    if (scope === undefined || at.mapIndex === -1) return false;
    const length = after.lengths.get(scope.id);
    return length !== undefined && at.mapIndex >= length;
  }

  /** Why a task instance cannot be in this state any more; undefined where it can. */
  #mustMove(before: ObservedInstance, at: ObservedInstance, step: Step): string | undefined {
    const { events, after, isHalting } = step;
    if (after.state === 'queued') return undefined;
    if (isHalting && !FINISHED.has(at.state) && taskOf(this.dag, at).role !== 'teardown') return 'its run wants no second failure';
    if (WORKING.has(at.state) && before.state === at.state && before.epoch === at.epoch) {
      if (events.isCrash) return 'its process is gone';
      if (events.ended.has(attemptName(at))) return 'its try has ended';
    }
    if (this.#isDue(at, events)) return 'its time has come';
    if (at.state !== 'none') return undefined;
    return this.#isSurplus(at, after) ? 'it is not needed any more' : this.#whyDecided(at, step);
  }

  #isDue({ id, state }: ObservedInstance, { now }: StepEvents): boolean {
    const { dueAt = NEVER, failsAt = NEVER, retryAt = NEVER } = this.#facts.get(id) ?? {};
    if (state === 'up_for_retry') return retryAt <= now;
    return (state === 'up_for_reschedule' || state === 'deferred') && Math.min(dueAt, failsAt) <= now;
  }

  #whyDecided(at: ObservedInstance, { after, events }: Step): string | undefined {
    const task = taskOf(this.dag, at);
    const decision = decide(this.#ask(after), at, ({ state }) => state);
    if (decision === 'wait') return undefined;
    if (decision === 'run' && this.#lengthInStep(task, after) === undefined) return undefined;
    if (asksPast(task, decision) && !events.past(task).mustPass) return undefined;
    return `the rules say "${decision}"`;
  }
}

function only(isSo: boolean, state: TaskInstanceState): Next[] {
  return isSo ? [[state, 0]] : [];
}
