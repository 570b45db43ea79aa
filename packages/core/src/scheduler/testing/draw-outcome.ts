import type { JsonValue, SerializedDag, SerializedTask, TryOutcome, Workload } from '@tradewind/protocol';
import { createChance, type Chance } from './chance.ts';
import { sourceIds } from './random-dag.ts';

/** More legs than this has no try: it then ends. */
const MOST_LEGS = 2;

/** What an outcome is drawn for: the leg counts how often the try was begun, more than once where it was rescheduled or deferred. */
export interface OutcomePlace {
  readonly seed: number;
  readonly workload: Workload;
  readonly leg: number;
  readonly now: number;
}

/** The name of what an outcome is drawn for, the same in every play of the same scenario. */
export function outcomeName({ workload: { context }, leg }: OutcomePlace): string {
  return `${context.runId} ${context.taskId} ${context.mapIndex} ${context.tryNumber} ${leg}`;
}

/** Draws how a try ends; the same for the same place, whatever else happens. `isCalm` has it succeed. */
export function drawOutcome(dag: SerializedDag, place: OutcomePlace, isCalm: boolean): TryOutcome {
  const chance = createChance(place.seed, outcomeName(place));
  const task = dag.tasks.find(({ taskId }) => taskId === place.workload.context.taskId);
  const roll = isCalm ? 100 : chance.between(0, 99);
  if (roll < 10) return { result: 'failed', failure: { kind: 'error', message: 'it was drawn to fail' } };
  if (roll < 13) return { result: 'failed', failure: { kind: 'fail_without_retry', message: 'it was drawn to fail for good' } };
  if (roll < 19) return { result: 'skipped', reason: 'it was drawn to skip' };
  if (roll < 25 && place.leg < MOST_LEGS) return { result: 'rescheduled', at: place.now + chance.pick([0, 500, 5_000]) };
  if (roll < 31 && place.leg < MOST_LEGS) return drawDeferral(chance, place.now);
  return {
    result: 'success',
    valueJson: JSON.stringify(isCalm ? [{}] : drawValue(chance, dag, task)),
    events: [],
    ...(task === undefined ? {} : drawDecision(chance, task, isCalm)),
  };
}

function drawDeferral(chance: Chance, now: number): TryOutcome {
  const trigger = { kind: 'timer', at: now + chance.pick([0, 500, 5_000]) } as const;
  const timeout = chance.happens(0.2) ? { timeoutAt: now + chance.pick([0, 700, 7_000]) } : {};
  return { result: 'deferred', deferral: { trigger, stateJson: 'null', ...timeout } };
}

function drawDecision(chance: Chance, { decision }: SerializedTask, isCalm: boolean): Partial<Extract<TryOutcome, { result: 'success' }>> {
  if (decision?.kind === 'branch') {
    const follow = isCalm ? ['left'] : decision.choices.filter(() => chance.happens(0.5));
    return { decision: { kind: 'branch', follow } };
  }
  return decision?.kind === 'short_circuit' ? { decision: { kind: 'short_circuit', goesOn: isCalm || chance.happens(0.5) } } : {};
}

/** What others are mapped over is a list, or the odd object; now and then it is neither. */
function drawValue(chance: Chance, { tasks, groups = [] }: SerializedDag, task: SerializedTask | undefined): JsonValue {
  const expansions = [...tasks, ...groups].flatMap(({ expand }) => expand ?? []);
  const sources = expansions.flatMap((expand) =>
    expand.kind === 'sets' ? sourceIds(expand.source) : expand.over.flatMap(({ source }) => sourceIds(source)),
  );
  if (!sources.includes(task?.taskId ?? '') || chance.happens(0.04)) return chance.between(0, 9);
  if (chance.happens(0.1)) return { a: 1, b: 2 };
  return Array.from({ length: chance.pick([0, 1, 2, 2, 3, 5]) }, () => ({}));
}
