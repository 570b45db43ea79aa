import type { DatabaseSync, StatementSync } from 'node:sqlite';
import {
  DAG_RUN_OPERATIONS,
  DAG_RUN_TRANSITIONS,
  TASK_INSTANCE_OPERATIONS,
  TASK_INSTANCE_TRANSITIONS,
  type DagRunState,
  type SerializedDag,
  type TaskInstanceState,
} from '@tradewind/protocol';
import {
  checkMapIndexes,
  checkRunState,
  FINISHED,
  lengthOfScope,
  nameOf,
  taskOf,
} from '../packages/core/src/scheduler/testing/reference-run.ts';
import { scopeOf } from '../packages/core/src/scheduler/testing/reference-dag.ts';
import { findWrongDecision, isHalting, lengthOfTask, type Decided } from './check-decisions.ts';
import { ChangeLog, type Change } from './change-log.ts';
import { findBrokenLimits } from './check-limits.ts';
import { checkClearedValues, checkExpectedRuns, checkTries, type ExpectedRuns } from './check-totals.ts';
import { factsAfter } from './facts-after.ts';
import type { KnownRun, KnownTask, Violation } from './known-run.ts';
import type { Transaction } from './simulated-database.ts';
import { attemptKey, type WorkerHistory } from './simulated-executor.ts';

/** What a checker is told of the world. */
export interface CheckedWorld {
  readonly connection: DatabaseSync;
  readonly dags: ReadonlyMap<string, SerializedDag>;
  readonly history: WorkerHistory;
  readonly expectedRuns: ExpectedRuns;
  readonly now: () => number;
}

/**
 * Watches every committed change of a run or a task instance through triggers in the database itself, so that nothing the program does can hide one, and
 * holds it against the invariants. What it knows of rules, limits and legal changes comes from the protocol's tables and the slow reference, never from the code under test.
 */
export class Checker {
  readonly violations: Violation[] = [];
  /** When the last change was committed. */
  changedAt = 0;
  readonly #world: CheckedWorld;
  readonly #runs = new Map<string, KnownRun>();
  readonly #tasks = new Map<string, KnownTask>();
  readonly #activeRuns = new Map<string, number>();
  readonly #paused = new Set<string>();
  /** What takes slots. */
  readonly #atWork = new Set<KnownTask>();
  readonly #log: ChangeLog;
  readonly #runById: StatementSync;
  readonly #taskById: StatementSync;
  readonly #termById: StatementSync;
  /** Of the transaction that is being looked at; rules are applied when all its changes are known. */
  #decided: Decided[] = [];
  #changed: KnownTask[] = [];
  #halted: KnownTask[] = [];
  #endedRuns: KnownRun[] = [];
  #expanded: { readonly run: KnownRun; readonly scopeId: string }[] = [];
  #isOperation = false;

  constructor(world: CheckedWorld) {
    const { connection } = world;
    this.#world = world;
    this.#log = new ChangeLog(connection);
    this.#runById = connection.prepare('select dag_id, logical_at from dag_run where id = ?');
    this.#termById = connection.prepare('select scheduler_term from dag_run where id = ?');
    this.#taskById = connection.prepare('select dag_run_id, task_id, max_tries from task_instance where id = ?');
  }

  /** Looks at what the last transaction changed. */
  afterCommit(transaction: Transaction): void {
    const changes = this.#log.take();
    if (changes.length === 0) return;
    this.#isOperation = transaction.by === 'operation';
    this.changedAt = this.#world.now();
    for (const change of changes) this.#onChange(change);
    if (transaction.by === 'tick') this.#checkHolder(transaction.term);
    this.#checkTransaction();
    for (const task of this.#changed) task.stateBefore = undefined;
    [this.#decided, this.#changed, this.#halted, this.#endedRuns, this.#expanded] = [[], [], [], [], []];
  }

  /** Looks at the whole, when everything should have ended. */
  atEnd(): void {
    for (const run of this.#runs.values()) {
      const mayWait = run.dag.tasks.some(({ dependsOnPast, waitForDownstream }) => dependsOnPast === true || waitForDownstream === true);
      const isOpen = run.state !== 'success' && run.state !== 'failed';
      const works = run.instances.some(({ state }) => state !== 'none' && !FINISHED.has(state));
      if (!isOpen || (!works && mayWait)) continue;
      const open = run.instances.filter(({ state }) => !FINISHED.has(state)).map((task) => `${nameOf(task)} ${task.state}`);
      this.#violate('I1', `run ${run.id} of ${run.dag.dagId} is still ${run.state}: ${open.join(', ')}`);
    }
    const violate = this.#violate.bind(this);
    checkTries(this.#world.connection, this.#tasks, violate);
    checkExpectedRuns(this.#world.connection, this.#world.expectedRuns, violate);
  }

  #violate(invariant: string, message: string): void {
    this.violations.push({ invariant, message });
  }

  #onChange(change: Change): void {
    const { kind, id, new_state: next } = change;
    if (kind === 'task') this.#onTask(change);
    else if (kind === 'run') this.#onRun(change);
    else if (kind === 'dag' && next === '1') this.#paused.add(id);
    else if (kind === 'dag') this.#paused.delete(id);
    else if (kind === 'scope') this.#onExpanded(change);
    else this.#onRunRow(change);
  }

  #onRunRow({ kind, id, new_state: next }: Change): void {
    const run = this.#runs.get(id);
    if (kind === 'no_scope') run?.lengths.delete(next);
    else if (run !== undefined) run.markedState = next === 'success' || next === 'failed' ? next : null;
  }

  #onExpanded({ id, new_state: scopeId, old_epoch: length }: Change): void {
    const run = this.#runs.get(id);
    if (run === undefined) return;
    run.lengths.set(scopeId, length);
    this.#expanded.push({ run, scopeId });
  }

  #onRun(change: Change): void {
    const next = change.new_state as DagRunState;
    const run = this.#runs.get(change.id);
    if (change.old_state === null) {
      const row = this.#runById.get(change.id) as { dag_id: string; logical_at: number | null };
      const dag = this.#world.dags.get(row.dag_id);
      if (dag === undefined) return;
      this.#runs.set(change.id, {
        id: change.id,
        dag,
        logicalAt: row.logical_at,
        instances: [],
        lengths: new Map(),
        facts: new Map(),
        state: next,
        markedState: null,
      });
      if (next !== 'queued') this.#violate('I8', `run ${change.id} was created in state ${next}`);
    } else if (run !== undefined) this.#onRunState(run, next);
  }

  #onRunState(run: KnownRun, next: DagRunState): void {
    const { dagId, maxActiveRuns } = run.dag;
    const legal = this.#isOperation ? DAG_RUN_OPERATIONS : DAG_RUN_TRANSITIONS;
    if (!legal[run.state].includes(next)) this.#violate('I3', `run ${run.id} went from ${run.state} to ${next}`);
    const active = (this.#activeRuns.get(dagId) ?? 0) + (next === 'running' ? 1 : 0) - (run.state === 'running' ? 1 : 0);
    this.#activeRuns.set(dagId, active);
    run.state = next;
    // What was cleared since is decided anew.
    if (next === 'running' || next === 'queued') run.markedState = null;
    if (next === 'running' && this.#paused.has(dagId)) this.#violate('I7', `run ${run.id} of ${dagId} was started while the dag is paused`);
    if (active > maxActiveRuns) this.#violate('I7', `dag ${dagId} has more than ${maxActiveRuns} active runs`);
    if (next === 'success' || next === 'failed') this.#endedRuns.push(run);
  }

  #onTask(change: Change): void {
    const next = change.new_state as TaskInstanceState;
    if (change.old_state === null) {
      this.#onNewTask(change, next);
      return;
    }
    const task = this.#tasks.get(change.id);
    if (task === undefined) return;
    task.mapIndex = change.map_index;
    if (change.new_epoch < task.epoch) this.#violate('I4', `${nameOf(task)} went back from epoch ${task.epoch} to ${change.new_epoch}`);
    // The start of a short attempt is stored together with its end.
    const isWholeTry = task.state === 'queued' && change.new_epoch === task.epoch && TASK_INSTANCE_TRANSITIONS.running.includes(next);
    if (isWholeTry && !this.#isOperation) this.#onTaskState(change, task, 'running');
    // What becomes ready while a slot is free is scheduled and queued together.
    const isBegun = next === 'queued' && change.new_epoch > task.epoch && task.state !== 'scheduled';
    if (isBegun) this.#onTaskState(change, task, 'scheduled');
    if (next !== task.state) this.#onTaskState(change, task, next);
    task.epoch = change.new_epoch;
  }

  #onNewTask({ id, map_index: mapIndex, new_epoch: epoch }: Change, state: TaskInstanceState): void {
    const row = this.#taskById.get(id) as { dag_run_id: string; task_id: string; max_tries: number };
    const run = this.#runs.get(row.dag_run_id);
    if (run === undefined) return;
    const counts = { tries: 0, ends: 0, tryNumber: 0, maxTries: row.max_tries, runningEpochs: new Set<number>() };
    const task: KnownTask = { id, run, taskId: row.task_id, mapIndex, state, epoch, stateBefore: undefined, isDisturbed: false, ...counts };
    this.#tasks.set(id, task);
    run.instances.push(task);
  }

  #onTaskState(change: Change, task: KnownTask, next: TaskInstanceState): void {
    const name = `${task.run.dag.dagId}.${nameOf(task)} (${task.id})`;
    if (this.#isOperation) this.#onOperation(change, task, name);
    else this.#onMove(change, task, { next, name });
    if (next === 'running') this.#onRunning(change, task, name);
    task.stateBefore ??= task.state;
    task.state = next;
    this.#changed.push(task);
    if (next === 'queued' || next === 'running' || next === 'restarting') this.#atWork.add(task);
    else this.#atWork.delete(task);
  }

  #onOperation(change: Change, task: KnownTask, name: string): void {
    const next = change.new_state as TaskInstanceState;
    task.isDisturbed = true;
    if (!TASK_INSTANCE_OPERATIONS[task.state].includes(next)) this.#violate('I3', `somebody put ${name} from ${task.state} to ${next}`);
    if (next === 'none') task.run.facts.delete(task.id);
    const isGivenUp = next !== 'restarting' && (task.state === 'queued' || task.state === 'running' || task.state === 'deferred');
    if (isGivenUp && change.new_epoch === task.epoch)
      this.#violate('I4', `${name} was given up in state ${task.state} and keeps its epoch`);
  }

  #onMove(change: Change, task: KnownTask, { next, name }: { readonly next: TaskInstanceState; readonly name: string }): void {
    const { run, state } = task;
    if (!TASK_INSTANCE_TRANSITIONS[state].includes(next)) this.#violate('I3', `${name} went from ${state} to ${next}`);
    if (run.state !== 'running') this.#violate('I3', `${name} changed to ${next} while its run is ${run.state}`);
    if (next === 'scheduled') this.#onScheduled(task, name);
    if (next === 'queued' && this.#paused.has(run.dag.dagId)) this.#violate('I7', `${name} was queued while its dag is paused`);
    if (state === 'none') this.#decided.push({ task, next });
    else this.#onLeft(change, task, { next, name });
  }

  /** What had begun goes on, ends, or is given up. */
  #onLeft(change: Change, task: KnownTask, { next, name }: { readonly next: TaskInstanceState; readonly name: string }): void {
    const isFenced = change.new_epoch > task.epoch;
    if (task.state === 'restarting' && !isFenced) this.#violate('I4', `${name} begins anew and keeps its epoch`);
    if (FINISHED.has(next) && isFenced) this.#onHalted(task);
    else if (task.state === 'running') this.#onEnd(change, task, { next, name });
    else if (task.state === 'deferred' && next !== 'scheduled') this.#onLateDeferral(task, name);
    else if (FINISHED.has(next)) this.#violate('I4', `${name} was given up in state ${task.state} and keeps its epoch`);
  }

  #onHalted(task: KnownTask): void {
    task.isDisturbed = true;
    this.#halted.push(task);
  }

  /** I6: a try begins, and not before its time. */
  #onScheduled(task: KnownTask, name: string): void {
    const { state, run } = task;
    const { dueAt = 0, retryAt = 0 } = run.facts.get(task.id) ?? {};
    const at = state === 'up_for_retry' ? retryAt : dueAt;
    if (state === 'up_for_retry' || state === 'none') task.tries += 1;
    const isTimed = state === 'up_for_retry' || state === 'up_for_reschedule' || state === 'deferred';
    if (isTimed && this.#world.now() < at) this.#violate('I5', `${name} left ${state} ${at - this.#world.now()} ms too early`);
  }

  #onLateDeferral(task: KnownTask, name: string): void {
    const { failsAt = Number.POSITIVE_INFINITY } = task.run.facts.get(task.id) ?? {};
    task.ends += 1;
    task.run.facts.set(task.id, { retryAt: failsAt + taskOf(task.run.dag, task).retryDelayMs });
    if (this.#world.now() < failsAt) this.#violate('I5', `${name} was given up before it had waited for too long`);
  }

  #onRunning({ id, new_epoch: epoch }: Change, task: KnownTask, name: string): void {
    if (!this.#world.history.begun.has(attemptKey({ taskInstanceId: id, epoch }))) {
      this.#violate('I4', `${name} is running at epoch ${epoch}, which no worker has begun`);
    }
    if (task.runningEpochs.has(epoch)) this.#violate('I4', `${name} began epoch ${epoch} twice`);
    task.runningEpochs.add(epoch);
  }

  /** What a try made of its task instance is what its worker saw, and what it leaves behind is known from there. */
  #onEnd(
    { id, new_epoch: epoch, lost }: Change,
    task: KnownTask,
    { next, name }: { readonly next: TaskInstanceState; readonly name: string },
  ): void {
    const seen = this.#world.history.ended.get(attemptKey({ taskInstanceId: id, epoch }));
    const result = lost === 1 ? 'lost' : (seen?.outcome.result ?? 'unknown');
    if (EXPLAINED[next]?.includes(result) !== true)
      this.#violate('I3', `${name} became ${next} at epoch ${epoch}, but that attempt is ${result}`);
    if (next !== 'up_for_reschedule' && next !== 'deferred') task.ends += 1;
    task.run.facts.set(id, factsAfter(next, { end: lost === 1 ? undefined : seen, retryDelayMs: taskOf(task.run.dag, task).retryDelayMs }));
  }

  #checkTransaction(): void {
    for (const decided of this.#decided) {
      const wrong = findWrongDecision(decided, () => this.#runsOf(decided.task.run.dag));
      if (wrong !== undefined) this.#violate('I5', wrong);
      this.#checkLength(decided);
    }
    for (const { run, scopeId } of this.#expanded) this.#checkExpansion(run, scopeId);
    for (const run of this.#endedRuns) {
      if (this.#isOperation) continue;
      const asked = { dag: run.dag, run, facts: run.facts };
      for (const problem of checkRunState(asked, { state: 'running', markedState: run.markedState }))
        this.#violate('I1', `run ${run.id}: ${problem}`);
      for (const task of run.dag.tasks)
        for (const problem of checkMapIndexes(asked, task)) this.#violate('I2', `run ${run.id}: ${problem}`);
    }
    // Only the end of its run takes an attempt from a task instance.
    for (const task of this.#halted)
      if (!isHalting(task.run)) this.#violate('I3', `${nameOf(task)} (${task.id}) was ended, and its run goes on`);
    if (this.#changed.some(({ state }) => state === 'queued'))
      for (const broken of findBrokenLimits(this.#atWork)) this.#violate('I7', broken);
    if (this.#isOperation) checkClearedValues(this.#world.connection, this.#violate.bind(this));
  }

  #runsOf(dag: SerializedDag): KnownRun[] {
    return [...this.#runs.values()].filter((run) => run.dag === dag);
  }

  #checkExpansion(run: KnownRun, scopeId: string): void {
    const task = run.dag.tasks.find((other) => scopeOf(run.dag, other)?.id === scopeId);
    const scope = task === undefined ? undefined : scopeOf(run.dag, task);
    if (scope === undefined) return;
    const [length, expected] = [run.lengths.get(scopeId), lengthOfScope({ dag: run.dag, run, facts: run.facts }, scope)];
    if (length !== expected) this.#violate('I2', `${scopeId} of ${run.id} was expanded to ${length} task instances instead of ${expected}`);
  }

  /** What runs is one of as many as the list of now has elements, also where an earlier one was longer. */
  #checkLength({ task, next }: Decided): void {
    const { run } = task;
    const scope = scopeOf(run.dag, taskOf(run.dag, task));
    if (next !== 'scheduled' || scope === undefined) return;
    const expected = lengthOfTask({ dag: run.dag, run, facts: run.facts }, task);
    const length = run.lengths.get(scope.id);
    if (typeof expected === 'number' && expected !== length)
      this.#violate('I2', `${nameOf(task)} of ${run.id} is one of ${length} instead of ${expected}`);
  }

  /** I11: only the scheduler that holds a run decides about it; a report of an attempt may come from anybody. */
  #checkHolder(term: number): void {
    const decidedAbout = new Set([
      ...this.#decided.map(({ task }) => task),
      ...this.#halted,
      ...this.#changed.filter(({ state }) => state === 'queued'),
    ]);
    for (const run of new Set([...decidedAbout].map((task) => task.run))) {
      const { scheduler_term: holder } = this.#termById.get(run.id) as { scheduler_term: number | null };
      if (holder !== term && run.state === 'running')
        this.#violate('I11', `term ${term} decided about run ${run.id}, which term ${holder} holds`);
    }
  }
}

/** By the state that an attempt left behind, how its worker may have seen it end. A value that cannot be mapped over is a failure. */
const EXPLAINED: Readonly<Partial<Record<TaskInstanceState, readonly string[]>>> = {
  success: ['success'],
  skipped: ['skipped'],
  failed: ['failed', 'lost', 'success'],
  up_for_retry: ['failed', 'lost', 'success'],
  up_for_reschedule: ['rescheduled'],
  deferred: ['deferred'],
  restarting: ['unknown'],
};
