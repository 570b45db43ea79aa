import { z } from 'zod';
import { MAX_DURATION_MS } from '../duration.ts';
import {
  MAX_TIMETABLE_CRONS,
  MAX_TIMETABLE_EVENTS,
  MIN_DELTA_MS,
  type RunImmediately,
  type SerializedSchedule,
  type SerializedTimetable,
} from '../serialized-schedule.ts';
import { assetScheduleSchema } from './asset-condition.ts';

const expression = z.string().min(1).max(250);
const timezone = z.string().min(1).max(100);
const durationMs = z.int().min(0).max(MAX_DURATION_MS);
const deltaMs = z.int().min(MIN_DELTA_MS).max(MAX_DURATION_MS);

const runImmediately: z.ZodType<RunImmediately> = z.union([z.enum(['always', 'if_recent']), z.strictObject({ withinMs: durationMs })]);
const cronTrigger = { intervalMs: durationMs.exactOptional(), runImmediately: runImmediately.exactOptional() };

const timetables = [
  z.strictObject({ kind: z.literal('cron'), expression, timezone, ...cronTrigger }),
  z.strictObject({
    kind: z.literal('crons'),
    expressions: z.array(expression).min(1).max(MAX_TIMETABLE_CRONS),
    timezone,
    ...cronTrigger,
  }),
  z.strictObject({ kind: z.literal('cron_interval'), expression, timezone }),
  z.strictObject({ kind: z.literal('delta'), everyMs: deltaMs, intervalMs: durationMs.exactOptional() }),
  z.strictObject({ kind: z.literal('delta_interval'), everyMs: deltaMs }),
  z.strictObject({
    kind: z.literal('events'),
    at: z
      .array(z.iso.datetime())
      .min(1)
      .max(MAX_TIMETABLE_EVENTS)
      .refine((instants) => isRising(instants), 'is not in rising order'),
    restrictToEvents: z.boolean(),
    description: z.string().max(1_000).exactOptional(),
  }),
  z.strictObject({ kind: z.literal('once') }),
  z.strictObject({ kind: z.literal('continuous') }),
  z.strictObject({ kind: z.literal('custom'), summary: z.string().min(1).max(250) }),
] as const;

const timetableSchema: z.ZodType<SerializedTimetable> = z.discriminatedUnion('kind', timetables);

/** What a dag may be started by; part of `serializedDagSchema`. */
export const serializedScheduleSchema: z.ZodType<SerializedSchedule> = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('none') }),
  assetScheduleSchema,
  z.strictObject({ kind: z.literal('asset_or_time'), time: timetableSchema, assets: assetScheduleSchema }),
  ...timetables,
]);

function isRising(instants: readonly string[]): boolean {
  const times = instants.map((instant) => Date.parse(instant));
  return times.every((at, index) => index === 0 || at > (times[index - 1] ?? Number.POSITIVE_INFINITY));
}
