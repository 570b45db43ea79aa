import { timetableOf, type SerializedSchedule } from '@tradewind/protocol';
import { isTimezone } from './cron.ts';
import { parseCron } from './parse-cron.ts';

/** Why a schedule cannot be followed, in words for its author; undefined where all is well. */
export function findScheduleProblem(schedule: SerializedSchedule): string | undefined {
  const timetable = timetableOf(schedule);
  if (timetable === undefined || !('timezone' in timetable)) return undefined;
  const expressions = timetable.kind === 'crons' ? timetable.expressions : [timetable.expression];
  return findCronProblem(expressions, timetable.timezone);
}

function findCronProblem(expressions: readonly string[], timezone: string): string | undefined {
  for (const expression of expressions) {
    const parsed = parseCron(expression);
    if (!parsed.ok) return parsed.message;
  }
  if (isTimezone(timezone)) return undefined;
  return `there is no time zone ${JSON.stringify(timezone)}; names look like Europe/Berlin`;
}
