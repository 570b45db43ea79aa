import { z } from 'zod';
import { MAX_TIMETABLE_ANSWER, type TimetableAnswer } from '../timetable-evaluation.ts';

/** The years 1000 to 9999, whose dates have four digits everywhere. */
const instant = z.int().min(-30_610_224_000_000).max(253_402_300_799_999);

/** What an environment accepts from a child that asked the code of a timetable. */
export const timetableAnswerSchema: z.ZodType<TimetableAnswer> = z.strictObject({
  type: z.literal('timetable'),
  runs: z
    .array(z.strictObject({ logicalAt: instant, runAfterAt: instant, intervalStartAt: instant, intervalEndAt: instant }))
    .max(MAX_TIMETABLE_ANSWER)
    .refine(
      (runs) => runs.every((run, index) => index === 0 || run.runAfterAt > (runs[index - 1]?.runAfterAt ?? 0)),
      'is not in rising order',
    ),
  isExhausted: z.boolean(),
});
