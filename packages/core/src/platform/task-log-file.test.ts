import path from 'node:path';
import { expect, test } from 'vitest';
import { taskLogFile } from './task-log-file.ts';

const key = { dagId: 'orders', runId: 'scheduled__2026-01-01T00:00:00+00:00', taskId: 'load.one', mapIndex: -1, tryNumber: 2 };
const file = (more: Partial<typeof key> = {}): string => path.relative('/logs', taskLogFile('/logs', { ...key, ...more }));

test('is laid out as Airflow lays out its logs', () => {
  expect(file()).toBe('dag_id=orders/run_id=scheduled__2026-01-01T00:00:00+00:00/task_id=load.one/attempt=2.log');
  expect(file({ mapIndex: 0 })).toBe(
    'dag_id=orders/run_id=scheduled__2026-01-01T00:00:00+00:00/task_id=load.one/map_index=0/attempt=2.log',
  );
});

test.each(['x'.repeat(250), 'ž'.repeat(250), '🐎'.repeat(125)])(
  'fits every file system, and names of the same beginning stay apart',
  (long) => {
    const [name = '', other = ''] = [long, `${long.slice(0, -2)}y`].map((taskId) => file({ taskId }).split('/')[2]);
    expect(Buffer.byteLength(name)).toBeLessThanOrEqual(255);
    expect(name).not.toBe(other);
    expect(name.isWellFormed() && !name.includes('\uFFFD')).toBe(true);
  },
);

test.each(['../../etc', 'a/b', 'a\\b', 'a\0b'])('refuses the id %j, which could lead out of the folder', (dagId) => {
  expect(() => file({ dagId })).toThrow(/would lie outside of/);
});
