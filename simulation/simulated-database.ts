import { TradewindError } from '../packages/core/src/platform/errors.ts';
import type { Database, Statement } from '../packages/core/src/store/database.ts';
import type { SeededRandom } from './seeded-random.ts';
import type { SimulatedProcess } from './simulated-process.ts';

/** Who made a transaction. */
export type Transaction =
  /** A scheduler, deciding under this term. */
  | { readonly by: 'tick'; readonly term: number }
  /** Somebody who cleared or marked something. */
  | { readonly by: 'operation' }
  /** Anybody else, or a scheduler that took runs or began a term. */
  | { readonly by: 'others' };

/** The database of the world: the store's own, on SQLite in memory. A transaction runs the moment `run` is called, alone and to its end. */
export interface WorldDatabase {
  readonly run: Database['batch'];
  /** Called after every transaction that was committed. */
  readonly afterCommit: (transaction: Transaction) => void;
}

/** How often the connection misbehaves; all probabilities are for one transaction. */
export interface DatabaseFaults {
  /** The transaction never reached the database. */
  readonly lost: number;
  /** It was committed, but the answer never came (execute and time out). */
  readonly inDoubt: number;
  /** It is on its way for long, while the world goes on. */
  readonly slow: number;
  readonly slowestMs: number;
}

/** The connection of one process: every transaction takes time, may fail, and may outlive the process. */
export function connectProcess(
  world: WorldDatabase,
  process: SimulatedProcess,
  random: SeededRandom,
  faults: () => DatabaseFaults,
): Database {
  return {
    dialect: 'sqlite',
    batch<const Statements extends readonly Statement<unknown>[]>(statements: Statements) {
      const { lost, inDoubt, slow, slowestMs } = faults();
      const longestMs = random.happens(slow) ? slowestMs : 3;
      const chance = random.fraction();
      const names = statements.map(({ name }) => name).join('+');
      return process.wait(
        names,
        () => random.between(0, longestMs),
        () => {
          if (chance < lost) throw unavailable('the connection broke before the transaction arrived');
          const rows = world.run(statements);
          // Nobody may be left to hear of a failure; the ones who are hear of it through the promise itself.
          rows.catch(() => {});
          world.afterCommit(transactionOf(statements));
          if (chance < lost + inDoubt) throw unavailable('the connection broke before the answer arrived');
          return rows;
        },
      );
    },
    get reads(): never {
      throw new TradewindError('internal', 'the simulated world has no readers');
    },
    onWake: () => () => {},
    close: () => Promise.resolve(),
  };
}

function transactionOf(statements: readonly Statement<unknown>[]): Transaction {
  const hold = statements.find(({ name }) => name.startsWith('hold_dag_runs'));
  return hold === undefined ? { by: 'others' } : { by: 'tick', term: Number(hold.values[1]) };
}

function unavailable(why: string): TradewindError {
  return new TradewindError('database_unavailable', why);
}
