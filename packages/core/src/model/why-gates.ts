import {
  decideReadiness,
  decideSkips,
  isFinishedTaskInstanceState,
  type FinishedTaskInstanceState,
  type GraphNode,
  type Readiness,
  type TriggerSpec,
} from '@tradewind/protocol';
import type { DagFacts, InstanceFacts, RunFacts, TaskFacts } from './why-facts.ts';

/** Something that must hold before a run starts or a task instance runs. */
export interface Gate {
  readonly kind: GateKind;
  readonly isMet: boolean;
  /** How it stands, in words that could follow a colon. */
  readonly text: string;
}

export type GateKind =
  | 'definition'
  | 'pause'
  | 'scheduler'
  | 'due'
  | 'active_runs'
  | 'run'
  | 'setups'
  | 'choice'
  | 'trigger_rule'
  | 'expansion'
  | 'past'
  | 'retry'
  | 'event'
  | 'active_tasks'
  | 'task_limit_in_run'
  | 'task_limit_in_dag'
  | 'pool'
  | 'worker';

/** A scheduler that was silent for longer is dead (Airflow's `scheduler_health_check_threshold`). */
const LIVE_FOR_MS = 30_000;
const MOST_NAMES = 3;

/** What must hold before anything of a dag happens. */
export function dagGates(dag: DagFacts): readonly Gate[] {
  const seenAgo = dag.schedulerSeenAt === null ? undefined : dag.now - dag.schedulerSeenAt;
  const isAlive = seenAgo !== undefined && seenAgo <= LIVE_FOR_MS;
  return [
    definitionGate(dag),
    gate(
      'pause',
      !dag.isPaused,
      dag.isPaused ? `the dag is paused: "tradewind dags unpause ${dag.dagId}" lets it go on` : 'the dag is not paused',
    ),
    gate('scheduler', isAlive, isAlive ? 'a scheduler is alive' : describeSilence(seenAgo)),
  ];
}

/** What must hold before a run starts. */
export function runGates(dag: DagFacts, run: RunFacts): readonly Gate[] {
  const isDue = run.runAfterAt <= dag.now;
  const limit = run.backfill?.maxActiveRuns ?? dag.maxActiveRuns;
  const free = limit - run.runningRuns.length;
  const hasRoom = run.runsAhead < free;
  const whose = run.backfill === undefined ? 'the dag' : 'its backfill';
  return [
    ...dagGates(dag),
    ...(run.backfill?.isPaused === true ? [gate('pause', false, 'its backfill is paused')] : []),
    gate('due', isDue, isDue ? `it was due at ${instant(run.runAfterAt)}` : `it is not due before ${instant(run.runAfterAt)}`),
    gate(
      'active_runs',
      hasRoom,
      hasRoom ? `${run.runningRuns.length} of ${limit} runs of ${whose} are running` : describeLine(run, { limit, whose }),
    ),
  ];
}

/** What must hold before a task instance runs, in the order in which it is asked. */
export function taskGates(facts: TaskFacts): readonly Gate[] {
  const node = nodeOf(facts);
  const isRunning = facts.run.state === 'running';
  return [
    ...dagGates(facts.dag),
    gate('run', isRunning, `run ${facts.run.runId} is ${facts.run.state}`),
    ...(node === undefined ? [gate('definition', false, `the version of the run has no task ${facts.asked.taskId}`)] : []),
    ...(node === undefined ? [] : upstreamGates(facts, node)),
    ...waitingGates(facts),
    ...(node === undefined ? [] : limitGates(facts, node)),
    poolGate(facts),
    ...(facts.asked.state === 'queued' ? [workerGate(facts)] : []),
  ];
}

/** What the tasks above, and their choices, make of a task instance of which nothing is decided yet. */
export function readinessOf(facts: TaskFacts): Readiness {
  const node = nodeOf(facts);
  if (node === undefined) return 'wait';
  if (findSkipper(facts, node) !== undefined) return 'skipped';
  const setups = setupsOf(facts, node);
  if (setups.some(hasFailed)) return 'upstream_failed';
  if (setups.some(({ state }) => state === 'skipped')) return 'skipped';
  if (setups.some(({ state }) => state !== 'success')) return 'wait';
  return readRule(facts, node);
}

/** An instant as it is written to people. */
export function instant(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** A task instance as it is named to people. */
export function nameOf({ taskId, mapIndex }: { readonly taskId: string; readonly mapIndex: number }): string {
  return mapIndex === -1 ? taskId : `${taskId}[${mapIndex}]`;
}

/** The branch or short circuit above that did not choose the task. */
export function findSkipper(facts: TaskFacts, node = nodeOf(facts)): string | undefined {
  if (node === undefined) return undefined;
  const skipper = facts.instances.find(({ taskId, mapIndex, state, decision }) => {
    const place = facts.graph.indexOf.get(taskId);
    if (place === undefined || state !== 'success' || decision === null) return false;
    return isSeenBy(facts, { node, place, mapIndex }) && decideSkips(facts.graph, place, decision).includes(node.index);
  });
  return skipper === undefined ? undefined : nameOf(skipper);
}

/** The task instances above that failed or could not run, in words. */
export function failedAbove(facts: TaskFacts): string {
  const node = nodeOf(facts);
  const above = node === undefined ? [] : [...setupsOf(facts, node), ...seenInstances(facts, node, node.upstream)];
  return listStates(above.filter(hasFailed));
}

function definitionGate({ dagId, isStale, hasImportErrors }: DagFacts): Gate {
  if (isStale) return gate('definition', false, `no file defines the dag ${dagId} any more`);
  if (hasImportErrors)
    return gate('definition', true, 'the file of the dag cannot be read now: its last good version is used, and no new runs are made');
  return gate('definition', true, 'a file defines the dag');
}

function describeSilence(seenAgo: number | undefined): string {
  return seenAgo === undefined
    ? 'no scheduler is running: start the environment'
    : `no scheduler has been heard of for ${Math.round(seenAgo / 1_000)} seconds: look at the log of the environment`;
}

function describeLine({ runningRuns, runsAhead }: RunFacts, { limit, whose }: { readonly limit: number; readonly whose: string }): string {
  const ahead = runsAhead === 0 ? '' : `, and ${runsAhead} ${runsAhead === 1 ? 'run is' : 'runs are'} in line before it`;
  return `${runningRuns.length} of ${limit} runs of ${whose} are running (${listTexts(runningRuns)})${ahead}`;
}

function upstreamGates(facts: TaskFacts, node: GraphNode): Gate[] {
  const skipper = findSkipper(facts, node);
  const setups = setupsOf(facts, node);
  const unmet = setups.filter(({ state }) => state !== 'success');
  return [
    ...(skipper === undefined ? [] : [gate('choice', false, `${skipper} did not choose it`)]),
    ...(setups.length === 0
      ? []
      : [
          gate(
            'setups',
            unmet.length === 0,
            unmet.length === 0 ? 'its setups have succeeded' : `setups have not succeeded: ${listStates(unmet)}`,
          ),
        ]),
    ruleGate(facts, node),
    ...expansionGate(facts, node),
    ...pastGate(facts),
  ];
}

function ruleGate(facts: TaskFacts, node: GraphNode): Gate {
  const { triggerRule } = node.task;
  const above = seenInstances(facts, node, node.upstream);
  if (above.length === 0) return gate('trigger_rule', true, 'it waits for no other task');
  const readiness = readRule(facts, node);
  if (readiness === 'run') return gate('trigger_rule', true, `its rule ${triggerRule} holds`);
  const open = above.filter(({ state }) => !isFinishedTaskInstanceState(state));
  if (readiness === 'wait')
    return gate(
      'trigger_rule',
      false,
      `its rule ${triggerRule} waits for ${open.length} of ${above.length} upstream task instances: ${listStates(open)}`,
    );
  const decisive = above.filter((each) => (readiness === 'upstream_failed' ? hasFailed(each) : isFinishedTaskInstanceState(each.state)));
  return gate(
    'trigger_rule',
    false,
    `its rule ${triggerRule} cannot hold any more: ${listStates(decisive.length === 0 ? above : decisive)}`,
  );
}

function readRule(facts: TaskFacts, node: GraphNode): Readiness {
  const above = seenInstances(facts, node, node.upstream);
  const count = (wanted: FinishedTaskInstanceState): number => above.filter(({ state }) => state === wanted).length;
  const counts = {
    total: above.length,
    success: count('success'),
    failed: count('failed'),
    skipped: count('skipped'),
    upstream_failed: count('upstream_failed'),
    removed: count('removed'),
  };
  const setups = seenInstances(facts, node, node.setups);
  return decideReadiness(node.task.triggerRule, counts, {
    total: setups.length,
    success: setups.filter(({ state }) => state === 'success').length,
    skipped: setups.filter(({ state }) => state === 'skipped').length,
  });
}

function expansionGate({ asked, graph }: TaskFacts, { scope }: GraphNode): Gate[] {
  if (scope === undefined || asked.mapIndex !== -1 || isFinishedTaskInstanceState(asked.state)) return [];
  const sources = scope.sources.flatMap((place) => graph.nodes[place]?.task.taskId ?? []);
  const over = sources.length === 0 ? 'a list' : `what ${sources.join(' and ')} returned`;
  return [gate('expansion', false, `it is mapped over ${over} and not expanded yet`)];
}

function pastGate({ past }: TaskFacts): Gate[] {
  if (past === undefined) return [];
  if (past.runId === undefined) return [gate('past', past.isMet, 'there is no run before')];
  const states = past.states.length === 0 ? 'does not have it' : `has it in ${[...new Set(past.states)].join(', ')}`;
  return [gate('past', past.isMet, `it depends on the run before, and ${past.runId} ${states}`)];
}

/** What a task instance itself waits for: a time, or something that happens elsewhere. */
function waitingGates({ asked, dag }: TaskFacts): Gate[] {
  if (asked.state === 'deferred') {
    const timeout = asked.deferral?.timeoutAt === undefined ? '' : `, at most until ${instant(asked.deferral.timeoutAt)}`;
    return [
      gate('event', false, `it waits for ${asked.deferral === null ? 'an event' : describeTrigger(asked.deferral.trigger)}${timeout}`),
    ];
  }
  if (asked.state !== 'up_for_retry' && asked.state !== 'up_for_reschedule') return [];
  const at = asked.retryAt ?? dag.now;
  const what = asked.state === 'up_for_retry' ? `try ${asked.tryNumber + 1} of ${asked.maxTries}` : 'its next poke';
  return [gate('retry', at <= dag.now, at <= dag.now ? `${what} is due` : `${what} is due at ${instant(at)}`)];
}

function describeTrigger(trigger: TriggerSpec): string {
  switch (trigger.kind) {
    case 'timer':
      return `the time ${instant(trigger.at)}`;
    case 'code':
      return `its trigger ${trigger.name}`;
    case 'dag_run':
      return `the end of run ${trigger.runId} of dag ${trigger.dagId}`;
  }
}

function limitGates(facts: TaskFacts, { task }: GraphNode): Gate[] {
  const isBusy = ({ state }: InstanceFacts): boolean => state === 'queued' || state === 'running';
  const isItself = isBusy(facts.asked) ? 1 : 0;
  const busy = facts.instances.filter(isBusy).length - isItself;
  const same = facts.instances.filter((each) => each.taskId === task.taskId && isBusy(each)).length - isItself;
  const { maxActiveTasks } = facts.graph.dag;
  const { maxActiveTisPerDagrun: perRun, maxActiveTisPerDag: perDag } = task;
  const elsewhere = facts.busyInDag - isItself;
  return [
    gate('active_tasks', busy < maxActiveTasks, `${busy} of ${maxActiveTasks} task instances of the run are at work`),
    ...(perRun === undefined
      ? []
      : [gate('task_limit_in_run', same < perRun, `${same} of ${perRun} task instances of the task are at work in this run`)]),
    ...(perDag === undefined
      ? []
      : [gate('task_limit_in_dag', elsewhere < perDag, `${elsewhere} of ${perDag} task instances of the task are at work in all runs`)]),
  ];
}

function poolGate({ asked, pool }: TaskFacts): Gate {
  if (pool === undefined)
    return gate('pool', false, `there is no pool ${asked.pool}: make it with "tradewind pools set", or name another one in the dag`);
  const wanted = asked.poolSlots;
  const needs = wanted === 1 ? '' : `; it needs ${wanted}`;
  if (pool.slots === -1) return gate('pool', true, `pool ${asked.pool} has no limit`);
  if (wanted > pool.slots)
    return gate('pool', false, `it needs ${wanted} slots, and pool ${asked.pool} has only ${pool.slots}: it can never have them`);
  const isItself = asked.state === 'queued' || asked.state === 'running' ? wanted : 0;
  const occupied = pool.occupied - isItself;
  const usage = `${occupied} of ${pool.slots} slots of pool ${asked.pool} are taken${needs}`;
  if (occupied + wanted <= pool.slots) return gate('pool', true, usage);
  return gate('pool', false, `${usage}; held by ${listTexts(pool.holders)}`);
}

function workerGate({ asked, dag, busyInEnvironment }: TaskFacts): Gate {
  const waited = asked.queuedAt === null ? '' : ` for ${Math.max(0, Math.round((dag.now - asked.queuedAt) / 1_000))} seconds`;
  return gate(
    'worker',
    false,
    `it has been queued${waited} and no worker has started it; ${busyInEnvironment} task instances are queued or running`,
  );
}

function nodeOf({ graph, asked }: TaskFacts): GraphNode | undefined {
  return graph.nodes[graph.indexOf.get(asked.taskId) ?? -1];
}

function setupsOf(facts: TaskFacts, node: GraphNode): readonly InstanceFacts[] {
  return node.task.role === 'teardown' ? [] : seenInstances(facts, node, node.indirectSetups);
}

/** The task instances at these places that the asked one looks at; a task that the run has no task instance of yet counts as one of which nothing is decided. */
function seenInstances(facts: TaskFacts, node: GraphNode, places: readonly number[]): readonly InstanceFacts[] {
  return places.flatMap((place): readonly InstanceFacts[] => {
    const taskId = facts.graph.nodes[place]?.task.taskId ?? '';
    const found = facts.instances.filter((each) => each.taskId === taskId && isSeenBy(facts, { node, place, mapIndex: each.mapIndex }));
    return found.length > 0 ? found : [{ taskId, mapIndex: -1, state: 'none', decision: null }];
  });
}

/** Within a mapped group each map index sees its own. */
function isSeenBy(
  { asked, graph }: TaskFacts,
  { node, place, mapIndex }: { readonly node: GraphNode; readonly place: number; readonly mapIndex: number },
): boolean {
  const isInGroup = node.scope?.kind === 'group' && graph.nodes[place]?.scope === node.scope;
  return !isInGroup || asked.mapIndex === -1 || mapIndex === -1 || mapIndex === asked.mapIndex;
}

function hasFailed({ state }: InstanceFacts): boolean {
  return state === 'failed' || state === 'upstream_failed';
}

function listStates(instances: readonly InstanceFacts[]): string {
  return listTexts(instances.map((each) => `${nameOf(each)} (${each.state === 'none' ? 'not started' : each.state})`));
}

function listTexts(texts: readonly string[]): string {
  const named = texts.slice(0, MOST_NAMES).join(', ');
  return texts.length <= MOST_NAMES ? named : `${named} and ${texts.length - MOST_NAMES} more`;
}

function gate(kind: GateKind, isMet: boolean, text: string): Gate {
  return { kind, isMet, text };
}
