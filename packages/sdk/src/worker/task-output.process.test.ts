import { spawnSync } from 'node:child_process';
import { MAX_LOG_LINE_BYTES, RECORD_SEPARATOR } from '@tradewind/protocol';
import { describe, expect, test } from 'vitest';

const OUTPUT = new URL('task-output.ts', import.meta.url).href;

/** What a process with this script prints, as the supervisor receives it. */
function run(script: string): { stdout: string; stderr: string; status: number | null } {
  const code = `import { endOutput, taskLog } from ${JSON.stringify(OUTPUT)};\n${script}`;
  return spawnSync(process.execPath, ['--input-type=module', '--eval', code], { encoding: 'utf8' });
}

function recordsIn(output: string): Record<string, unknown>[] {
  const lines = output.split('\n').filter((line) => line.startsWith(RECORD_SEPARATOR));
  return lines.map((line) => JSON.parse(line.slice(1)) as Record<string, unknown>);
}

describe('the log of a task', () => {
  test('is records between the lines that the task prints, in their order', () => {
    const { stdout } = run(`process.stdout.write('half a line'); taskLog.warning('disk is full', { free: 0 }); console.log('after');`);
    expect(stdout).toMatch(new RegExp(`^half a line\\n${RECORD_SEPARATOR}\\{.*\\}\\nafter\\n$`));
    expect(recordsIn(stdout)).toEqual([
      { timestamp: expect.any(String) as string, level: 'warning', event: 'disk is full', logger: 'task', free: 0 },
    ]);
  });

  test('takes whatever JSON cannot carry as text, and never fails the task', () => {
    const { stdout, status } = run(`
      const circle = { name: 'c' }; circle.self = circle;
      taskLog.info('odd', { big: 1n, at: new Date(0), map: new Map([[1, 2]]), fail: new RangeError('too much'), call() {} });
      taskLog.info('odder', { circle, unreadable: { get x() { throw new Error('no'); } }, fine: 1 });
      taskLog.info({ no: 'text' });
    `);
    expect(status).toBe(0);
    const [odd, odder, noText] = recordsIn(stdout);
    expect(odd).toMatchObject({
      big: '1',
      at: '1970-01-01T00:00:00.000Z',
      map: 'Map(1) { 1 => 2 }',
      fail: { name: 'RangeError', message: 'too much' },
    });
    expect(odder).toMatchObject({ circle: expect.stringContaining('Circular') as string, fine: 1 });
    expect(noText).toMatchObject({ event: "{ no: 'text' }" });
  });

  test('keeps its own fields, whatever the task calls its facts', () => {
    const { stdout } = run(`taskLog.info('mine', { event: 'forged', logger: 'supervisor', level: 'error', timestamp: 'never' });`);
    expect(recordsIn(stdout)).toMatchObject([{ event: 'mine', logger: 'task', level: 'info' }]);
  });

  test('leaves the facts out of a record that is too long, and says so', () => {
    const { stdout } = run(`taskLog.info('x'.repeat(100_000), { rows: 'y'.repeat(100_000) });`);
    const [record] = recordsIn(stdout);
    expect(record).toMatchObject({ truncated: expect.stringContaining('the record had 2') as string });
    expect(JSON.stringify(record).length).toBeLessThan(MAX_LOG_LINE_BYTES);
  });
});

test('the end of a try is marked on both streams', () => {
  const { stdout, stderr, status } = run(`process.exit(endOutput({ taskInstanceId: 't', epoch: 3 }) ? 7 : 1);`);
  const mark = `\n${RECORD_SEPARATOR}{"outputEndOf":{"taskInstanceId":"t","epoch":3}}\n`;
  expect([stdout, stderr, status]).toEqual([mark, mark, 7]);
});

test('a stream that the task has closed cannot be marked', () => {
  expect(
    run(`import { closeSync } from 'node:fs'; closeSync(2); process.exit(endOutput({ taskInstanceId: 't', epoch: 3 }) ? 1 : 7);`).status,
  ).toBe(7);
});
