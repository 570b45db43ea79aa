import type { EventSource } from '../packages/core/src/federation/source.ts';
import type { Database, Statement } from '../packages/core/src/store/database.ts';
import type { SimulatedProcess } from './simulated-process.ts';

/** A known bug, put back in: what a statement loses. A simulation that does not find these proves nothing. */
interface StatementMutation {
  readonly statement: string;
  readonly without: string;
  readonly instead: string;
}

const STATEMENT_MUTANTS = {
  /** A finish no longer looks whether the task instance is running. */
  'no-state-guard': [{ statement: 'finish_task_instances', without: `and task_instance.state = 'running'`, instead: '' }],
  /** A start no longer looks whether the task instance is queued. */
  'no-start-guard': [{ statement: 'start_task_instances', without: `and task_instance.state = 'queued'`, instead: '' }],
  /** A late report of a replaced attempt is taken for one of the current attempt. */
  'no-epoch-check': [
    { statement: 'finish_task_instances', without: 'and task_instance.epoch = ended.epoch', instead: '' },
    { statement: 'start_task_instances', without: 'and task_instance.epoch = started.epoch', instead: '' },
  ],
  /** A scheduler that lost its lease goes on writing. */
  'no-lease-check': [{ statement: 'hold_dag_runs', without: 'and dag_run.scheduler_term = $2', instead: 'and $2 > 0' }],
  /** What follows from a finish is written although the finish was refused. */
  'no-refusal-check': [{ statement: 'release_refused_dag_runs', without: 'where dag_run.held_by_tick = $1', instead: 'where $1 is null' }],
  /** An attempt that is taken back keeps its epoch, so its worker may still start. */
  'reset-keeps-epoch': [
    { statement: 'reset_task_instances', without: 'epoch = task_instance.epoch + 1', instead: 'epoch = task_instance.epoch' },
  ],
  /** Active runs are not counted before another is started. */
  'no-run-limit': [
    {
      statement: 'start_dag_runs',
      without: 'where queued.place <= dag.max_active_runs -',
      instead: 'where queued.place <= 1 + dag.max_active_runs -',
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
} as const satisfies Record<string, readonly StatementMutation[]>;

/** Bugs of order, which no statement shows. */
const ORDER_MUTANTS = [
  /** The broker is told to forget messages before they are stored. */
  'acknowledge-before-commit',
  /** Runs of dead schedulers are adopted once, at the start, and never looked for again. */
  'one-shot-recovery',
  /** Attempts are handed to workers before the transaction that queued them is committed. */
  'dispatch-before-commit',
  /** A transaction is committed statement by statement. */
  'no-transaction',
] as const;

/** The name of a known bug. */
export type MutantName = keyof typeof STATEMENT_MUTANTS | (typeof ORDER_MUTANTS)[number];

export const MUTANT_NAMES = [...(Object.keys(STATEMENT_MUTANTS) as (keyof typeof STATEMENT_MUTANTS)[]), ...ORDER_MUTANTS] as const;

/** A connection whose user has the bug. Without a mutant it is returned as it is. */
export function applyMutant(mutant: MutantName | undefined, database: Database, process: SimulatedProcess | undefined): Database {
  if (mutant === undefined) return database;
  if (isStatementMutant(mutant)) return withBatch(database, mutateStatements(STATEMENT_MUTANTS[mutant]));
  // Workers that report by themselves have none of the bugs of order.
  if (process === undefined || mutant === 'acknowledge-before-commit') return database;
  switch (mutant) {
    case 'one-shot-recovery':
      return recoverOnce(database);
    case 'dispatch-before-commit':
      return answerEarly(database, process);
    case 'no-transaction':
      return commitEach(database);
  }
}

function isStatementMutant(mutant: MutantName): mutant is keyof typeof STATEMENT_MUTANTS {
  return Object.hasOwn(STATEMENT_MUTANTS, mutant);
}

/** A source whose user has the bug. */
export function mutateSource(mutant: MutantName | undefined, source: EventSource): EventSource {
  if (mutant !== 'acknowledge-before-commit') return source;
  return {
    ...source,
    async receive(signal, waitSeconds) {
      const messages = await source.receive(signal, waitSeconds);
      await source.acknowledge(messages);
      return messages;
    },
  };
}

type Batch = (statements: readonly Statement<unknown>[]) => Promise<readonly (readonly unknown[])[]>;

function withBatch(database: Database, change: (batch: Batch) => Batch): Database {
  const batch = change((statements) => database.batch(statements));
  return {
    dialect: database.dialect,
    batch: batch as Database['batch'],
    get reads() {
      return database.reads;
    },
    onWake: (wake) => database.onWake(wake),
    close: () => database.close(),
  };
}

function mutateStatements(mutations: readonly StatementMutation[]): (batch: Batch) => Batch {
  return (batch) => (statements) =>
    batch(
      statements.map((statement) => {
        const mine = mutations.filter((mutation) => mutation.statement === statement.name);
        return mine.length === 0 ? statement : mutate(statement, mine);
      }),
    );
}

function mutate(statement: Statement<unknown>, mutations: readonly StatementMutation[]): Statement<unknown> {
  return {
    ...statement,
    name: `${statement.name}_mutated`,
    text: (dialect) =>
      mutations.reduce((text, { without, instead }) => {
        if (!text.includes(without)) throw new Error(`the mutation of ${statement.name} no longer applies: it has no "${without}"`);
        return text.replace(without, instead);
      }, statement.text(dialect)),
  };
}

function recoverOnce(database: Database): Database {
  let rounds = 0;
  return withBatch(database, (batch) => async (statements) => {
    const adoption = statements.findIndex(({ name }) => name === 'adopt_dag_runs');
    if (adoption === -1) return batch(statements);
    rounds += 1;
    if (rounds === 1) return batch(statements);
    const rows = await batch(statements.filter((_, index) => index !== adoption));
    return [...rows.slice(0, adoption), [], ...rows.slice(adoption)];
  });
}

/** Says that a tick is committed, with the rows that it asked for, before it is; the commit comes a little later, if the process lives to send it. */
function answerEarly(database: Database, process: SimulatedProcess): Database {
  return withBatch(database, (batch) => (statements) => {
    if (!statements.some(({ name }) => name === 'queue_task_instances')) return batch(statements);
    process
      .wait(
        'commits late',
        () => 30,
        () => undefined,
      )
      .then(() => batch(statements))
      .catch(() => {});
    return process.wait(
      'answers early',
      () => 0,
      () => statements.map(promisedRows),
    );
  });
}

/** The rows that a statement returns where all of it applies: the ids that it was given. */
function promisedRows(statement: Statement<unknown>): unknown[] {
  if (statement.name === 'release_refused_dag_runs' || !/^(hold|queue)_/.test(statement.name)) return [];
  const list = statement.values.at(-1);
  return typeof list === 'string' ? (JSON.parse(list) as { id: string }[]).map(({ id }) => ({ id })) : [];
}

function commitEach(database: Database): Database {
  return withBatch(database, (batch) => async (statements) => {
    const rows: (readonly unknown[])[] = [];
    for (const statement of statements) rows.push((await batch([statement]))[0] ?? []);
    return rows;
  });
}
