import type { BatchRows, Database, Statement } from '../database.ts';

/** The database, where somebody else does something just before every batch: what a caller read is never what it changes. */
export function beforeEveryBatch(database: Database, interfere: () => Promise<void>): Database {
  return {
    ...database,
    async batch<const Statements extends readonly Statement<unknown>[]>(statements: Statements): Promise<BatchRows<Statements>> {
      await interfere();
      return database.batch(statements);
    },
  };
}

/** The same, once: between the batch that reads and the one that changes. */
export function beforeSecondBatch(database: Database, interfere: () => Promise<void>): Database {
  let batches = 0;
  return beforeEveryBatch(database, async () => {
    batches += 1;
    if (batches === 2) await interfere();
  });
}
