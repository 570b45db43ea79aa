import { z } from 'zod';
import { deleteWithValues } from '../../store/sweep-values.ts';
import { CLEANABLE_TABLES, countOldRows, deleteOldRows } from '../../store/transitions/delete-old-rows.ts';
import { instantText, oneOf, text } from '../query-schemas.ts';
import { problemOf } from '../request-problems.ts';
import { apiRoute } from '../route.ts';

/** Most rows that one transaction deletes where nobody says otherwise. */
const DEFAULT_BATCH_SIZE = 500;
const MAX_BATCH_SIZE = 10_000;

const batchSize = z
  .int()
  .refine((given) => given >= 1, problemOf('greater_than_equal', 'Input should be greater than or equal to 1'))
  .refine((given) => given <= MAX_BATCH_SIZE, problemOf('less_than_equal', `Input should be less than or equal to ${MAX_BATCH_SIZE}`));

/** Deletes what was over before a time. Answers how much it would be, unless `dry_run` is false. */
export const cleanDatabase = apiRoute({
  operationId: 'clean_database',
  method: 'POST',
  url: '/api/v2/tradewind/clean',
  policy: { kind: 'role', atLeast: 'admin', resource: 'dag run', action: 'delete' },
  body: z.strictObject({
    clean_before: instantText,
    tables: z
      .array(oneOf(CLEANABLE_TABLES))
      .min(1)
      .default([...CLEANABLE_TABLES]),
    dag_ids: z.array(text).default([]),
    exclude_dag_ids: z.array(text).default([]),
    batch_size: batchSize.default(DEFAULT_BATCH_SIZE),
    dry_run: z.boolean().default(true),
  }),
  response: z.object({ tables: z.array(z.object({ table: z.string(), rows: z.int() })) }),
  async handler({ body }, { database, largeValues }) {
    const cleaning = {
      before: body.clean_before,
      tables: [...new Set(body.tables)],
      dagIds: body.dag_ids,
      excludedDagIds: body.exclude_dag_ids,
      batchSize: body.batch_size,
    };
    const cleaned = body.dry_run
      ? await countOldRows(database, cleaning)
      : await deleteWithValues(database, largeValues?.store, () => deleteOldRows(database, cleaning));
    return { tables: [...cleaned] };
  },
});
