import type { EventSource } from '../packages/core/src/federation/source.ts';
import type { Database, Statement } from '../packages/core/src/store/database.ts';
import type { SimulatedProcess } from './simulated-process.ts';
import { STATEMENT_MUTANTS, type StatementMutation } from './statement-mutants.ts';

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

/** Mutations that were to be made in statements that no longer have what they take away. What such a bug is found by says nothing. */
export const STALE_MUTATIONS = new Set<string>();

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
        if (!text.includes(without)) STALE_MUTATIONS.add(`the mutation of ${statement.name} no longer applies: it has no "${without}"`);
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
