/** A known bug, put back in: what a statement loses. A simulation that does not find these proves nothing. */
export interface StatementMutation {
  readonly statement: string;
  readonly without: string;
  readonly instead: string;
}

/** Known bugs in what statements say, by name. */
export const STATEMENT_MUTANTS = {
  /** A finish no longer looks whether the task instance is running. */
  'no-state-guard': [
    { statement: 'finish_task_instances', without: 'task_instance.state = ended.from_state or', instead: 'ended.epoch > 0 or' },
  ],
  /** A start no longer looks whether the task instance is queued. */
  'no-start-guard': [{ statement: 'start_task_instances', without: `and task_instance.state = 'queued'`, instead: '' }],
  /** A late report of a replaced attempt is taken for one of the current attempt. */
  'no-epoch-check': [
    { statement: 'finish_task_instances', without: 'and task_instance.epoch = ended.epoch', instead: '' },
    { statement: 'start_task_instances', without: 'and task_instance.epoch = started.epoch', instead: '' },
  ],
  /** A scheduler that lost its lease goes on writing. */
  'no-lease-check': [{ statement: 'hold_dag_runs', without: '(dag_run.scheduler_term = $2', instead: '($2 > 0' }],
  /** What follows from a finish is written although the finish was refused. */
  'no-refusal-check': [{ statement: 'release_refused_dag_runs', without: 'where dag_run.held_by_tick = $1', instead: 'where $1 is null' }],
  /** A finish that was refused is not told from one that left the same state, so a try that failed counts as lost in memory, too. */
  'refusal-by-state-alone': [
    { statement: 'release_refused_dag_runs', without: 'expected.losses is not null', instead: 'expected.losses < 0' },
  ],
  /** An attempt that is taken back keeps its epoch, so its worker may still start. */
  'reset-keeps-epoch': [
    { statement: 'reset_task_instances', without: 'epoch = task_instance.epoch + 1', instead: 'epoch = task_instance.epoch' },
  ],
  /** Active runs are not counted before another is started. */
  'no-run-limit': [
    {
      statement: 'start_dag_runs',
      without: 'and queued.place <= coalesce(backfill.max_active_runs, dag.max_active_runs) -',
      instead: 'and queued.place <= 1 + coalesce(backfill.max_active_runs, dag.max_active_runs) -',
    },
  ],
  /** The value of an attempt is stored although the attempt was refused. */
  'unguarded-value': [
    {
      statement: 'push_xcoms',
      without: `join task_instance as instance on instance.id = returned.id and instance.epoch = returned.epoch and instance.state = 'success'`,
      instead: 'join task_instance as instance on instance.id = returned.id',
    },
  ],
  /** Every delivery of a message is a message of its own. */
  'no-dedupe-key': [
    { statement: 'insert_inbox', without: 'received.dedupe_key, received.status', instead: 'received.id, received.status' },
    { statement: 'insert_received_asset_events', without: 'select happened.event_key', instead: 'select happened.event_key || inbox.id' },
    {
      statement: 'insert_received_run_requests',
      without: 'wanted.run_id, wanted.event_key',
      instead: 'wanted.run_id || wanted.id, wanted.event_key || inbox.id',
    },
  ],
  /** The request of a run is marked as answered whether or not the run came about in the same transaction. */
  'request-without-run': [
    {
      statement: 'create_requested_dag_runs',
      without: 'where request.claimed_term = $1',
      instead: 'where request.claimed_term = $1 and request.requested_at % 50 > 0',
    },
  ],
  /** A pool takes whoever comes. */
  'no-pool-limit': inEachQueueing('(room.slots is null or', '(asking.asked < 100 or room.slots is null or'),
  /** The limit of a task over all runs of its dag is not looked at. */
  'no-task-limit': inEachQueueing('(asking.max_per_dag is null or', '(asking.max_per_dag > 0 or asking.max_per_dag is null or'),
  /** Task instances of a paused dag are queued. */
  'queue-while-paused': inEachQueueing('where dag.dag_id = asking.dag_id) = 0', 'where dag.dag_id = asking.dag_id) >= 0'),
  /** Runs of a paused dag are started. */
  'start-while-paused': [{ statement: 'start_dag_runs', without: 'and dag.is_paused = 0', instead: '' }],
  /** How many task instances a mapped task has is remembered in memory alone. */
  'expansion-not-recorded': [
    { statement: 'record_expanded_scopes', without: 'on run.id = expanded.run', instead: `on run.id = expanded.run || '?'` },
  ],
  /** What stood for a mapped task is never made its first task instance. */
  'index-not-written': [{ statement: 'index_task_instances', without: 'set map_index = 0', instead: 'set map_index = -1' }],
  /** What a branch chose is remembered in memory alone. */
  'decision-not-stored': [{ statement: 'finish_task_instances', without: 'decision = ended.decision', instead: 'decision = null' }],
  /** What a deferred task waits for is remembered in memory alone. */
  'deferral-not-stored': [{ statement: 'finish_task_instances', without: 'deferral = ended.deferral', instead: 'deferral = null' }],
  /** The wait before a retry is remembered in memory alone. */
  'retry-time-not-stored': [
    { statement: 'finish_task_instances', without: 'retry_at = ended.retry_at', instead: 'retry_at = ended.ended_at' },
  ],
  /** A value is not stored with the success that made it. */
  'value-not-stored': [{ statement: 'push_xcoms', without: 'where true', instead: `where length(returned.value) > 4` }],
  /** A run that was ended keeps what runs of it. */
  'halt-spares-running': [
    { statement: 'halt_task_instances', without: `'queued', 'running', 'deferred'`, instead: `'queued', 'deferred'` },
  ],
  /** What runs of an ended run is not fenced off. */
  'halt-keeps-epoch': [
    { statement: 'halt_task_instances', without: 'epoch = task_instance.epoch + 1', instead: 'epoch = task_instance.epoch' },
  ],
  /** What was cleared while it ran begins anew at the epoch of what was stopped. */
  'restart-keeps-epoch': [
    { statement: 'restart_task_instances', without: 'epoch = task_instance.epoch + 1', instead: 'epoch = task_instance.epoch' },
  ],
  /** What was cleared keeps its epoch, so an attempt that was queued may still start. */
  'clear-keeps-epoch': [
    { statement: 'clear_task_instances', without: 'epoch = task_instance.epoch + 1', instead: 'epoch = task_instance.epoch' },
  ],
  /** What was marked keeps its epoch, so the attempt that runs is not fenced off. */
  'mark-keeps-epoch': [
    { statement: 'mark_task_instances', without: 'epoch = task_instance.epoch + 1', instead: 'epoch = task_instance.epoch' },
  ],
  /** The value of what was cleared stays for others to read. */
  'clear-keeps-value': [
    { statement: 'delete_cleared_values', without: 'where xcom.dag_run_id = $2 and', instead: `where xcom.dag_run_id = $2 || '?' and` },
  ],
  /** A mapped task that was cleared together with its list keeps the length of the old one. */
  'clear-keeps-length': [
    { statement: 'forget_mapped_scopes', without: 'where dag_run_id = $2 and', instead: `where dag_run_id = $2 || '?' and` },
  ],
  /** Whoever changes a run does not say so. */
  'operation-keeps-revision': [
    { statement: 'hold_found_dag_run', without: 'revision = dag_run.revision + 1', instead: 'revision = dag_run.revision' },
  ],
  /** A tick does not look whether somebody has changed the run. */
  'no-revision-check': [{ statement: 'hold_dag_runs', without: 'and dag_run.revision = wanted.revision', instead: '' }],
  /** What waits for earlier runs goes on at once. */
  'past-always-met': [
    { statement: 'select_past_verdicts', without: 'when asked.before_id is null then 1', instead: 'when asked.id is not null then 1' },
  ],
  /** Of the run before only that the task is there is looked at. */
  'past-not-judged': [
    {
      statement: 'select_past_verdicts',
      without: 'where unmet.dag_run_id = asked.before_id',
      instead: `where unmet.dag_run_id = asked.before_id || '?'`,
    },
  ],
  /** A try that goes on after a deferral counts as a new one. */
  'resume-raises-try': inEachScheduling('task_instance.try_number + wanted.raises_try', 'task_instance.try_number + 1'),
  /** A task instance that the list has no element for any more is not removed. */
  'surplus-not-removed': [{ statement: 'settle_task_instances', without: `'upstream_failed', 'removed')`, instead: `'upstream_failed')` }],
  /** A scheduler that holds a run no longer still decides about it. */
  'unheld-schedule': inEachScheduling('task_instance.dag_run_id) = $1', `task_instance.dag_run_id) is not ($1 || '?')`),
  /** What runs is taken back as if it had only been queued. */
  'reset-running': [
    {
      statement: 'reset_task_instances',
      without: `and task_instance.state = 'queued'`,
      instead: `and task_instance.state in ('queued', 'running')`,
    },
  ],
  /** The lease of a scheduler that died never ends. */
  'lease-never-ends': [{ statement: 'end_expired_jobs', without: 'and id <> $2', instead: 'and id <> $2 and id < 0' }],
  /** A failed try that is followed by another one leaves no history. */
  'retries-not-recorded': [
    { statement: 'record_retried_tries', without: `instance.state = 'up_for_retry'`, instead: `instance.state = 'failed'` },
  ],
  /** A try that had ended leaves no history when it is cleared. */
  'clears-not-recorded': [
    {
      statement: 'record_cleared_tries',
      without: `not in ('running', 'restarting')`,
      instead: `not in ('running', 'restarting', 'success')`,
    },
  ],
  /** A task instance that was cleared is taken for the try that is in its history. */
  'cleared-stands': [{ statement: 'clear_task_instances', without: `scheduled_at = null, `, instead: `` }],
} as const satisfies Record<string, readonly StatementMutation[]>;

/** The same mutation of each statement that queues task instances. */
function inEachQueueing(without: string, instead: string): StatementMutation[] {
  return ['queue_task_instances', 'schedule_and_queue_task_instances'].map((statement) => ({ statement, without, instead }));
}

/** The same mutation of each statement with which an attempt begins. */
function inEachScheduling(without: string, instead: string): StatementMutation[] {
  return ['schedule_task_instances', 'schedule_and_queue_task_instances'].map((statement) => ({ statement, without, instead }));
}
