import { decodeJson, type SerializedDag } from '@tradewind/protocol';
import { decideBackfillDate } from '../model/backfill/plan-backfill.ts';
import { runIdOf } from '../model/timetables/run-id.ts';
import { selectDagVersions } from '../store/active-runs.ts';
import {
  completeBackfills,
  createBackfillRuns,
  decideBackfillDates,
  lockBackfill,
  selectActiveBackfills,
  selectPendingBackfillDates,
  type ActiveBackfill,
  type DecidedBackfillDate,
  type NewBackfillRun,
  type PendingBackfillDate,
} from '../store/transitions/advance-backfill.ts';
import { reprocessDagRuns, type ReprocessedDagRun } from '../store/transitions/reprocess-dag-run.ts';
import type { SchedulingState } from './create-scheduled-runs.ts';

/** Most dates of one backfill that are decided in a pass; most of them may have a run already. */
const MOST_DATES = 200;
/** Most runs of one backfill that are made in a pass, however many it may have at once. */
const MOST_RUNS = 100;
/** How soon backfills are looked for that another process created without a word. */
const RECHECK_MS = 3_000;

/** How far the backfills are. */
export interface BackfillProgress {
  /** Whether some backfill is active: the end of a run then makes room. */
  hasActive: boolean;
  nextLookAt: number;
}

/** What the pass has seen of its own so far, and what it tells the loop. */
export interface BackfillState extends SchedulingState {
  readonly backfills: BackfillProgress;
}

/** Makes the next runs of every active backfill, up to its own limit, and ends those that are done. */
export async function advanceBackfills(state: BackfillState, now: number): Promise<void> {
  const { backfills, schedules } = state;
  const wasWoken = schedules.lookedAt === now || (backfills.hasActive && state.mayStartRuns);
  if (!wasWoken && now < backfills.nextLookAt) return;
  const { database, log } = state.parts;
  const [completed, active] = await database.batch([completeBackfills(now), selectActiveBackfills()]);
  for (const { id, dagId } of completed) log.info('a backfill is completed', { backfillId: id, dagId });
  let hasMore = false;
  for (const backfill of active) {
    if (backfill.room > 0) hasMore = (await advanceBackfill(state, backfill, now)) || hasMore;
  }
  backfills.hasActive = active.length > 0;
  backfills.nextLookAt = now + RECHECK_MS;
  if (hasMore) state.nextScheduledAt = now;
}

/** What is to be done about the next dates of a backfill. */
interface BackfillStep {
  readonly created: NewBackfillRun[];
  readonly reprocessed: (Omit<ReprocessedDagRun, 'tries'> & { readonly versionId: string })[];
  readonly decided: DecidedBackfillDate[];
}

/** Decides the next dates of a backfill; tells whether it could go on at once. */
async function advanceBackfill(state: BackfillState, backfill: ActiveBackfill, now: number): Promise<boolean> {
  const { database, random, log } = state.parts;
  const [dates] = await database.batch([selectPendingBackfillDates(backfill.id, MOST_DATES)]);
  if (dates.length === 0) return false;
  const most = Math.min(backfill.room, MOST_RUNS);
  const step = planStep(backfill, dates, { most, newId: () => random.uuid() });
  const reprocessed = await withTries(state, step.reprocessed);
  const [, created, requeued, , , , , decided] = await database.batch([
    lockBackfill(backfill.id),
    createBackfillRuns(backfill.id, step.created, now),
    ...reprocessDagRuns(backfill.id, reprocessed, now),
    decideBackfillDates(backfill.id, step.decided),
  ] as const);
  const made = created.length + requeued.length;
  if (made > 0) state.mayStartRuns = true;
  log.debug('a backfill goes on', { backfillId: backfill.id, dagId: backfill.dagId, made, decided: decided.length });
  // What was made fills the room; what had a run already leaves it.
  return decided.length > 0 && made < backfill.room;
}

function planStep(
  backfill: ActiveBackfill,
  dates: readonly PendingBackfillDate[],
  { most, newId }: { readonly most: number; readonly newId: () => string },
): BackfillStep {
  const step: BackfillStep = { created: [], reprocessed: [], decided: [] };
  for (const date of dates) {
    if (step.created.length + step.reprocessed.length >= most) break;
    const decision = decideBackfillDate(date.existingState ?? undefined, backfill.reprocessBehavior);
    const { sortOrdinal } = date;
    if (decision === 'create') {
      const run = { id: newId(), runId: runIdOf('backfill', date.runAfterAt), sortOrdinal, place: step.created.length + 1 };
      step.created.push(run);
      step.decided.push({ sortOrdinal, dagRunId: run.id, runId: run.runId, reason: null });
    } else if (decision === 'reprocess') {
      step.reprocessed.push(reprocessedRun(backfill, date, step.reprocessed.length + 1));
      step.decided.push({ sortOrdinal, dagRunId: date.existingId, runId: null, reason: null });
    } else {
      step.decided.push({ sortOrdinal, dagRunId: null, runId: null, reason: decision });
    }
  }
  return step;
}

function reprocessedRun({ runOnLatestVersion, currentVersionId }: ActiveBackfill, date: PendingBackfillDate, place: number) {
  const versionId = runOnLatestVersion === 1 ? currentVersionId : (date.existingVersionId ?? currentVersionId);
  return { id: date.existingId ?? '', revision: date.existingRevision ?? 0, place, versionId };
}

/** Looks up how many tries the tasks of the runs have, in the versions that the runs will be on. */
async function withTries(state: BackfillState, runs: BackfillStep['reprocessed']): Promise<readonly ReprocessedDagRun[]> {
  if (runs.length === 0) return [];
  const wanted = [...new Set(runs.map(({ versionId }) => versionId))];
  const [versions] = await state.parts.database.batch([selectDagVersions(wanted)]);
  const tries = new Map(versions.map(({ id, serialized }) => [id, triesOf(decodeJson(serialized) as unknown as SerializedDag)]));
  return runs.map(({ versionId, ...run }) => ({ ...run, tries: tries.get(versionId) ?? {} }));
}

function triesOf({ tasks }: SerializedDag): Readonly<Record<string, number>> {
  return Object.fromEntries(tasks.map(({ taskId, retries }) => [taskId, retries + 1]));
}
