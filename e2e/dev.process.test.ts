import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { processesIn, startTradewind, type RunningCommand } from './command.ts';
import { copyFleet } from './fleet-copy.ts';

/** Waits until `dev` shows something that it did not show before. */
async function showsAfter(command: RunningCommand, before: string, what: RegExp): Promise<string> {
  await expect.poll(() => command.stdout.slice(before.length), { timeout: 20_000, interval: 20 }).toMatch(what);
  return command.stdout;
}

describe('dev', () => {
  test('names the dags that a save changed, adds and takes away', async () => {
    using fleet = copyFleet();
    const file = path.join(fleet.customers, 'dags/etl_orders.ts');
    const text = readFileSync(file, 'utf8');
    await using dev = startTradewind(['dev'], { cwd: fleet.customers });
    await dev.shows(/^customers is at http:\S+\nuser admin, password \S{32} \(kept in \.tradewind\/admin-password\)\n/);
    await dev.shows(/etl_orders +new +dags\/etl_orders\.ts +version [0-9a-f]{8}\n/);
    await dev.shows(/customer_master +new +/);

    writeFileSync(file, text.replace("tags: ['example']", "tags: ['changed']"));
    let shown = await showsAfter(dev, dev.stdout, /^etl_orders +changed +dags\/etl_orders\.ts +version [0-9a-f]{8}\n$/);
    writeFileSync(path.join(fleet.customers, 'dags/second.ts'), text.replace("dag('etl_orders'", "dag('second'"));
    shown = await showsAfter(dev, shown, /^second +new +dags\/second\.ts +/);
    rmSync(path.join(fleet.customers, 'dags/second.ts'));
    await showsAfter(dev, shown, /^second +removed +dags\/second\.ts\n/);

    expect((await dev.end('SIGINT')).exitCode).toBe(0);
    expect(processesIn(fleet.folder)).toEqual([]);
  });

  test('calls only what is new since its last life new', async () => {
    using fleet = copyFleet();
    const file = path.join(fleet.customers, 'dags/etl_orders.ts');
    const first = startTradewind(['dev'], { cwd: fleet.customers });
    await first.shows(/etl_orders +new/);
    await first.shows(/customer_master +new/);
    await first.end();
    writeFileSync(file, readFileSync(file, 'utf8').replace("tags: ['example']", "tags: ['changed']"));
    await using second = startTradewind(['dev'], { cwd: fleet.customers });
    await second.shows(/etl_orders +changed/);
    expect(second.stdout).not.toContain('customer_master');
    expect(second.stdout).toContain('user admin, password in .tradewind/admin-password\n');
  });

  test('says where a save is broken, that the last good version stays, and when the file is well again', async () => {
    using fleet = copyFleet();
    const file = path.join(fleet.customers, 'dags/etl_orders.ts');
    const text = readFileSync(file, 'utf8');
    await using dev = startTradewind(['dev'], { cwd: fleet.customers });
    await dev.shows(/etl_orders +new/);
    await dev.shows(/customer_master +new/);

    writeFileSync(file, text.replace('const total =', 'const total = ='));
    let shown = await showsAfter(dev, dev.stdout, /the last good version of etl_orders stays\n/);
    expect(shown).toContain('dags/etl_orders.ts:7:17: SyntaxError: Expression expected\n');
    expect(shown).toContain("> 7 |   const total = = d.task('transform', {\n    |                 ^\n");
    expect(dev.stderr).toBe('');

    // Another file's save has the broken one read again, which says nothing new.
    writeFileSync(path.join(fleet.customers, 'dags/second.ts'), text.replace("dag('etl_orders'", "dag('second'"));
    shown = await showsAfter(dev, shown, /^second +new +dags\/second\.ts .+\n$/);
    writeFileSync(file, text);
    await showsAfter(dev, shown, /^dags\/etl_orders\.ts is well again, and its dags are as before\n$/);
  });
});
