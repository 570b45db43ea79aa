import type { LogRecord } from '@tradewind/protocol';

/** Fields that every record has; the others are the author's, or say more about a failure. */
const COMMON_FIELDS = new Set(['timestamp', 'level', 'event', 'logger']);
/** A text that is longer, or has several lines, stands below its record. */
const LONGEST_INLINE = 200;

/** A record of a task's log as a line for people: `12:00:01.250 info    cleaned read=37 kept=30`. */
export function formatLogRecord(record: LogRecord): string {
  const time = /T(\d\d:\d\d:\d\d\.\d{3})/.exec(record.timestamp ?? '')?.[1];
  const level = (record.level ?? '').padEnd(7);
  return [time, level, withFields(record)].filter((part) => part !== undefined && part.trim() !== '').join(' ');
}

/** The event of a record with its fields: `cleaned read=37 kept=30`. */
export function withFields(record: LogRecord): string {
  const fields = Object.entries(record).filter(([name]) => !COMMON_FIELDS.has(name));
  const inline: string[] = [];
  const below: string[] = [];
  for (const [name, value] of fields) {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    if (text.includes('\n') || text.length > LONGEST_INLINE) below.push(text);
    else inline.push(`${name}=${text}`);
  }
  return [[record.event, ...inline].join(' '), ...below].join('\n');
}
