import type { DatabaseSync, StatementSync } from 'node:sqlite';
import {
  DAG_RUN_TRANSITIONS,
  TASK_INSTANCE_TRANSITIONS,
  type DagRunState,
  type SerializedDag,
  type TaskInstanceState,
} from '@tradewind/protocol';
import { referenceReadiness } from './reference-rules.ts';
import { attemptKey, type WorkerHistory } from './simulated-executor.ts';

/** Something that must never be so, and is. */
export interface Violation {
  readonly invariant: string;
  readonly message: string;
}

interface Change {
  readonly kind: 'task' | 'run';
  readonly id: string;
  readonly old_state: string | null;
  readonly new_state: string;
  readonly old_epoch: number;
  readonly new_epoch: number;
}

interface KnownTask {
  readonly dagRunId: string;
  readonly taskId: string;
  state: TaskInstanceState;
  /** The state before the transaction that is being looked at, where it changed in it. */
  stateBefore: TaskInstanceState | undefined;
  readonly runningEpochs: Set<number>;
  ends: number;
}

/** A change of a task instance, with what it belongs to. */
interface TaskChange {
  readonly change: Change;
  readonly task: KnownTask;
  readonly run: KnownRun;
  readonly next: TaskInstanceState;
  readonly name: string;
}

interface KnownRun {
  readonly dagId: string;
  readonly tasks: Map<string, KnownTask>;
  state: DagRunState;
}

/** What a checker is told of the world. */
export interface CheckedWorld {
  readonly connection: DatabaseSync;
  readonly dags: ReadonlyMap<string, SerializedDag>;
  readonly history: WorkerHistory;
  readonly expectedRuns: ExpectedRuns;
}

/** Every run that was asked for, as `dag id` and a key with a space between: each must exist in the end, once. */
export interface ExpectedRuns {
  /** The key is the run id. */
  readonly byHand: Set<string>;
  /** The key is the id of the CloudEvent. */
  readonly byEvent: Set<string>;
}

const LOG_CHANGES = `
  create temp table change (kind text, id text, old_state text, new_state text, old_epoch integer, new_epoch integer);
  create temp trigger task_created after insert on main.task_instance begin
    insert into change values ('task', new.id, null, new.state, 0, new.epoch);
  end;
  create temp trigger task_changed after update of state, epoch on main.task_instance begin
    insert into change values ('task', new.id, old.state, new.state, old.epoch, new.epoch);
  end;
  create temp trigger run_created after insert on main.dag_run begin
    insert into change values ('run', new.id, null, new.state, 0, 0);
  end;
  create temp trigger run_changed after update of state on main.dag_run begin
    insert into change values ('run', new.id, old.state, new.state, 0, 0);
  end;`;

/**
 * Watches every committed change of a run or a task instance through triggers in the database itself, so that nothing the program does can hide one, and
 * holds it against invariants I1–I8. What it knows of rules, limits and legal changes comes from the protocol's tables and its own slow reference,
 * never from the code under test.
 */
export class Checker {
  readonly violations: Violation[] = [];
  readonly #world: CheckedWorld;
  readonly #runs = new Map<string, KnownRun>();
  readonly #tasks = new Map<string, KnownTask>();
  readonly #activeRuns = new Map<string, number>();
  readonly #readChanges: StatementSync;
  readonly #forgetChanges: StatementSync;
  readonly #runById: StatementSync;
  readonly #taskById: StatementSync;
  /** Decisions of the transaction that is being looked at; rules are applied when all its changes are known. */
  readonly #decided: TaskChange[] = [];

  constructor(world: CheckedWorld) {
    const { connection } = world;
    this.#world = world;
    connection.exec(LOG_CHANGES);
    this.#readChanges = connection.prepare('select * from change order by rowid');
    this.#forgetChanges = connection.prepare('delete from change');
    this.#runById = connection.prepare('select dag_id from dag_run where id = ?');
    this.#taskById = connection.prepare('select dag_run_id, task_id from task_instance where id = ?');
  }

  /** Looks at what the last transaction changed. */
  afterCommit(): void {
    const changes = this.#readChanges.all() as unknown as Change[];
    if (changes.length === 0) return;
    this.#forgetChanges.run();
    for (const change of changes) {
      if (change.kind === 'run') this.#onRun(change);
      else this.#onTask(change);
    }
    this.#checkRules();
    this.#checkTaskLimit(changes);
    for (const { id } of changes) {
      const task = this.#tasks.get(id);
      if (task !== undefined) task.stateBefore = undefined;
    }
  }

  /** Looks at the whole, when everything should have ended. */
  atEnd(): void {
    for (const [id, run] of this.#runs) {
      if (run.state !== 'success' && run.state !== 'failed') this.#violate('I1', `run ${id} of ${run.dagId} is still ${run.state}`);
    }
    const violate = (invariant: string, message: string): void => {
      this.#violate(invariant, message);
    };
    checkTries(this.#world.connection, this.#tasks, violate);
    checkExpectedRuns(this.#world.connection, this.#world.expectedRuns, violate);
  }

  #violate(invariant: string, message: string): void {
    this.violations.push({ invariant, message });
  }

  #onRun(change: Change): void {
    const next = change.new_state as DagRunState;
    const run = this.#runs.get(change.id);
    if (change.old_state === null) {
      const { dag_id: dagId } = this.#runById.get(change.id) as { dag_id: string };
      this.#runs.set(change.id, { dagId, tasks: new Map(), state: next });
      if (next !== 'queued') this.#violate('I8', `run ${change.id} was created in state ${next}`);
    } else if (run !== undefined) {
      this.#onRunState(change.id, run, next);
    }
  }

  #onRunState(id: string, run: KnownRun, next: DagRunState): void {
    if (!DAG_RUN_TRANSITIONS[run.state].includes(next)) this.#violate('I3', `run ${id} went from ${run.state} to ${next}`);
    const active = (this.#activeRuns.get(run.dagId) ?? 0) + (next === 'running' ? 1 : 0) - (run.state === 'running' ? 1 : 0);
    this.#activeRuns.set(run.dagId, active);
    run.state = next;
    const most = this.#world.dags.get(run.dagId)?.maxActiveRuns ?? 0;
    if (active > most) this.#violate('I7', `dag ${run.dagId} has more than ${most} active runs`);
    if (next !== 'success' && next !== 'failed') return;
    for (const task of run.tasks.values()) {
      if (TASK_INSTANCE_TRANSITIONS[task.state].length > 0) this.#violate('I1', `run ${id} ended while ${task.taskId} is ${task.state}`);
    }
  }

  #onTask(change: Change): void {
    const next = change.new_state as TaskInstanceState;
    if (change.old_state === null) {
      this.#onNewTask(change.id, next);
      return;
    }
    const task = this.#tasks.get(change.id);
    const run = task === undefined ? undefined : this.#runs.get(task.dagRunId);
    if (task === undefined || run === undefined) return;
    this.#onTaskState({ change, task, run, next, name: `${run.dagId}.${task.taskId} (${change.id})` });
    task.stateBefore ??= task.state;
    task.state = next;
  }

  #onNewTask(id: string, state: TaskInstanceState): void {
    const row = this.#taskById.get(id) as { dag_run_id: string; task_id: string };
    const task: KnownTask = {
      dagRunId: row.dag_run_id,
      taskId: row.task_id,
      state,
      stateBefore: undefined,
      runningEpochs: new Set(),
      ends: 0,
    };
    const run = this.#runs.get(row.dag_run_id);
    if (run?.tasks.has(row.task_id) === true) this.#violate('I2', `task ${row.task_id} of run ${row.dag_run_id} exists twice`);
    this.#tasks.set(id, task);
    run?.tasks.set(row.task_id, task);
  }

  #onTaskState(seen: TaskChange): void {
    const { change, task, run, next, name } = seen;
    if (!TASK_INSTANCE_TRANSITIONS[task.state].includes(next)) this.#violate('I3', `${name} went from ${task.state} to ${next}`);
    if (change.new_epoch < change.old_epoch) this.#violate('I4', `${name} went back from epoch ${change.old_epoch} to ${change.new_epoch}`);
    if (run.state !== 'running') this.#violate('I3', `${name} changed to ${next} while its run is ${run.state}`);
    if (next === 'running') this.#onRunning(seen);
    if (task.state === 'running') this.#onEnd(seen);
    if (next === 'scheduled' || (task.state === 'none' && next !== 'none')) this.#decided.push(seen);
  }

  #onRunning({ change, task, name }: TaskChange): void {
    const epoch = change.new_epoch;
    if (!this.#world.history.begun.has(attemptKey({ taskInstanceId: change.id, epoch }))) {
      this.#violate('I4', `${name} is running at epoch ${epoch}, which no worker has begun`);
    }
    if (task.runningEpochs.has(epoch)) this.#violate('I4', `${name} began epoch ${epoch} twice`);
    task.runningEpochs.add(epoch);
  }

  #onEnd({ change, task, next, name }: TaskChange): void {
    const epoch = change.new_epoch;
    const outcome = this.#world.history.ended.get(attemptKey({ taskInstanceId: change.id, epoch }));
    if ((next === 'success' || next === 'skipped') && outcome?.result !== next) {
      const instead = outcome === undefined ? 'has not ended' : `ended in ${outcome.result}`;
      this.#violate('I3', `${name} became ${next} at epoch ${epoch}, but that attempt ${instead}`);
    }
    if (next !== 'up_for_retry') task.ends += 1;
    if (task.ends > 1) this.#violate('I3', `${name} ended ${task.ends} times`);
  }

  #checkRules(): void {
    for (const { task, run, next, name } of this.#decided.splice(0)) {
      const definition = this.#world.dags.get(run.dagId)?.tasks.find(({ taskId }) => taskId === task.taskId);
      if (definition === undefined) continue;
      const upstream = definition.upstream.map((id) => statesOf(run.tasks.get(id)));
      const decision = next === 'skipped' || next === 'upstream_failed' ? next : 'run';
      if (combinations(upstream).some((states) => referenceReadiness(definition.triggerRule, states) === decision)) continue;
      const states = upstream.map((choices) => choices.join(' or ')).join(', ');
      this.#violate('I5', `${name} was decided "${decision}" by ${definition.triggerRule} with upstream [${states}]`);
    }
  }

  #checkTaskLimit(changes: readonly Change[]): void {
    const queued = changes.filter(({ kind, new_state: state }) => kind === 'task' && state === 'queued');
    for (const id of new Set(queued.map((change) => this.#tasks.get(change.id)?.dagRunId))) {
      const run = this.#runs.get(id ?? '');
      if (run === undefined) continue;
      const occupied = [...run.tasks.values()].filter(({ state }) => state === 'queued' || state === 'running').length;
      const most = this.#world.dags.get(run.dagId)?.maxActiveTasks ?? 0;
      if (occupied > most) this.#violate('I7', `run ${id} of ${run.dagId} has ${occupied} active tasks, more than ${most}`);
    }
  }
}

/** A rule that decides early may have decided before or after another change of the same transaction: both are right. */
function statesOf(task: KnownTask | undefined): TaskInstanceState[] {
  if (task === undefined) return ['none'];
  return task.stateBefore === undefined || task.stateBefore === task.state ? [task.state] : [task.stateBefore, task.state];
}

function combinations(choices: readonly (readonly TaskInstanceState[])[]): TaskInstanceState[][] {
  return choices.reduce<TaskInstanceState[][]>((lists, states) => lists.flatMap((list) => states.map((state) => [...list, state])), [[]]);
}

/** I6: the try number counts the attempts that were accepted as running, and the history holds each of them. */
function checkTries(
  connection: DatabaseSync,
  tasks: ReadonlyMap<string, KnownTask>,
  violate: (invariant: string, message: string) => void,
): void {
  const rows = connection
    .prepare(
      `select id, try_number, (select count(*) from task_instance_history where task_instance_id = id) as recorded,
         (select count(*) from xcom where xcom.dag_run_id = task_instance.dag_run_id and xcom.task_id = task_instance.task_id) as stored_values
       from task_instance`,
    )
    .all() as unknown as { id: string; try_number: number; recorded: number; stored_values: number }[];
  for (const { id, try_number: tryNumber, recorded, stored_values: storedValues } of rows) {
    const task = tasks.get(id);
    if (task === undefined) continue;
    const begun = task.runningEpochs.size;
    if (tryNumber !== begun) violate('I6', `${task.taskId} (${id}) has try number ${tryNumber}, but ${begun} attempts ran`);
    if (recorded !== begun) violate('I12', `${task.taskId} (${id}) has ${recorded} tries in its history, but ${begun} attempts ran`);
    const hasValue = task.state === 'success' && begun > 0 ? 1 : 0;
    if (storedValues !== hasValue) violate('I3', `${task.taskId} (${id}) in state ${task.state} has ${storedValues} values`);
  }
}

/** I8: every run that was asked for exists, once, and no other. */
function checkExpectedRuns(
  connection: DatabaseSync,
  { byHand, byEvent }: ExpectedRuns,
  violate: (invariant: string, message: string) => void,
): void {
  const rows = connection
    .prepare(
      `select run.dag_id, run.run_id, run.run_type, inbox.event_id
       from dag_run as run
       left join dag_run_asset_event as link on link.dag_run_id = run.id
       left join asset_event as event on event.event_key = link.event_key
       left join inbox on inbox.id = event.inbox_id`,
    )
    .all() as unknown as { dag_id: string; run_id: string; run_type: string; event_id: string | null }[];
  const found = new Map<string, number>();
  for (const { dag_id: dagId, run_id: runId, run_type: type, event_id: eventId } of rows) {
    const key = `${dagId} ${type === 'manual' ? runId : eventId}`;
    found.set(key, (found.get(key) ?? 0) + 1);
  }
  for (const key of [...byHand, ...byEvent]) {
    const count = found.get(key) ?? 0;
    if (count !== 1) violate('I8', `the run "${key}" was asked for and exists ${count} times`);
    found.delete(key);
  }
  for (const key of found.keys()) violate('I8', `the run "${key}" exists, and nobody asked for it`);
}
