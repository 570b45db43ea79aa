import { expect, test, vi } from 'vitest';
import { systemClock } from '../platform/clock.ts';
import { silentLog } from '../platform/log.ts';
import { systemRandom } from '../platform/random.ts';
import { defineStatement, type Statement, wakeOthers } from './database.ts';
import { openPostgres } from './postgres-database.ts';
import { describePostgres } from './testing/describe-databases.ts';

const plain = (name: string, text: string): Statement<never> => ({ name, text: () => text, values: [] });
const createCounter = plain('test_create_counter', 'create table if not exists counter (id bigint primary key, value bigint not null)');
const fillCounter = plain('test_fill_counter', 'insert into counter (id, value) values (1, 0), (2, 0)');
const raise = defineStatement<{ value: number }, [id: number]>(
  'test_raise_counter',
  () => 'update counter set value = value + 1 where id = $1 returning value',
  (id) => [id],
);
const readCounters = defineStatement<{ value: number }, []>(
  'test_read_counters',
  () => 'select value from counter order by id',
  () => [],
);
const endOwnConnection = plain('test_end_own_connection', 'select pg_terminate_backend(pg_backend_pid())');
const endOtherConnections = plain(
  'test_end_other_connections',
  `select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
);

describePostgres('a connection', (open) => {
  test('tries a deadlock again until both transactions are in', async () => {
    const [one, two] = [await open(), await open()];
    // A sequence counts outside of transactions, so the second try does not wait for a partner that has left.
    await one.batch([createCounter, fillCounter, plain('test_create_arrival', 'create sequence if not exists arrival')]);
    const meet = plain(
      'test_meet',
      `do $$ begin
        perform nextval('arrival');
        while (select last_value from arrival) < 2 loop perform pg_sleep(0.001); end loop;
      end $$`,
    );
    const impatient = plain('test_impatient', `set local deadlock_timeout = '20ms'`);
    await Promise.all([one.batch([impatient, raise(1), meet, raise(2)]), two.batch([impatient, raise(2), meet, raise(1)])]);
    const readArrivals: Statement<{ total: number }> = {
      name: 'test_arrivals',
      text: () => 'select last_value as total from arrival',
      values: [],
    };
    const [counters, [arrivals]] = await one.batch([readCounters(), readArrivals]);
    expect(counters).toEqual([{ value: 2 }, { value: 2 }]);
    expect(arrivals?.total).toBeGreaterThan(2);
  });

  test('that the server ends inside a transaction is database_unavailable, and the next batch has a new one', async () => {
    const database = await open();
    await database.batch([createCounter, fillCounter]);
    await expect(database.batch([raise(1), endOwnConnection, raise(2)])).rejects.toMatchObject({ code: 'database_unavailable' });
    expect(await database.batch([readCounters()])).toEqual([[{ value: 0 }, { value: 0 }]]);
  });

  test('that the server ends while it is idle does not end the process', async () => {
    const [database, other] = [await open(), await open()];
    await database.batch([createCounter, fillCounter]);
    expect(await database.reads.selectFrom('dag').select('dagId').execute()).toEqual([]);
    await other.batch([endOtherConnections]);
    await vi.waitFor(async () => {
      expect(await database.batch([readCounters()])).toEqual([[{ value: 0 }, { value: 0 }]]);
      expect(await database.reads.selectFrom('dag').select('dagId').execute()).toEqual([]);
    });
  });

  test('prepares a statement once', async () => {
    const database = await open();
    await database.batch([createCounter, fillCounter]);
    await database.batch([raise(1)]);
    await database.batch([raise(1)]);
    const prepared = { name: 'test_prepared', text: () => `select name from pg_prepared_statements`, values: [] } as Statement<{
      name: string;
    }>;
    const [names] = await database.batch([prepared]);
    expect(names.filter(({ name }) => name === 'test_raise_counter')).toHaveLength(1);
  });

  test('to a server that is not there is database_unavailable and names the reason', async () => {
    const database = openPostgres({
      url: 'postgres://tradewind@127.0.0.1:1/tradewind',
      clock: systemClock,
      random: systemRandom(() => systemClock.now()),
      log: silentLog,
    });
    await expect(database.batch([readCounters()])).rejects.toMatchObject({
      code: 'database_unavailable',
      message: expect.stringContaining('ECONNREFUSED') as string,
    });
    await database.close();
  });

  test('ends at once while it is about to listen', async () => {
    const database = await open();
    database.onWake(() => {});
    await database.close();
  });
});

describePostgres('onWake', (open) => {
  test('is called after another connection committed, and no longer once it is stopped', async () => {
    const [listener, writer] = [await open(), await open()];
    await writer.batch([createCounter, fillCounter]);
    const wake = vi.fn();
    const stop = listener.onWake(wake);
    // The first call says that listening has begun.
    await vi.waitFor(() => {
      expect(wake).toHaveBeenCalled();
    });
    const before = wake.mock.calls.length;
    await writer.batch([raise(1), wakeOthers]);
    await vi.waitFor(() => {
      expect(wake.mock.calls.length).toBeGreaterThan(before);
    });
    stop();
    const other = vi.fn();
    listener.onWake(other);
    const silent = wake.mock.calls.length;
    await writer.batch([raise(1), wakeOthers]);
    await vi.waitFor(() => {
      expect(other).toHaveBeenCalled();
    });
    expect(wake).toHaveBeenCalledTimes(silent);
  });

  test('is not called for a batch that failed', async () => {
    const [listener, writer] = [await open(), await open()];
    await writer.batch([createCounter, fillCounter]);
    const wake = vi.fn();
    listener.onWake(wake);
    await vi.waitFor(() => {
      expect(wake).toHaveBeenCalled();
    });
    const before = wake.mock.calls.length;
    await writer.batch([fillCounter, wakeOthers]).catch(() => {});
    await writer.batch([raise(1), wakeOthers]);
    await vi.waitFor(() => {
      expect(wake.mock.calls.length).toBeGreaterThan(before);
    });
    // Notifications arrive in the order of the commits, so a second one would have come first.
    expect(wake).toHaveBeenCalledTimes(before + 1);
  });

  test('is called again after the listening connection was lost', async () => {
    const [listener, writer] = [await open(), await open()];
    await writer.batch([createCounter, fillCounter]);
    const wake = vi.fn();
    listener.onWake(wake);
    await vi.waitFor(() => {
      expect(wake).toHaveBeenCalled();
    });
    const before = wake.mock.calls.length;
    await writer.batch([endOtherConnections]);
    await vi.waitFor(
      () => {
        // At least once for the batch above or the new connection, and once more for a commit after it.
        expect(wake.mock.calls.length).toBeGreaterThan(before);
      },
      { timeout: 10_000 },
    );
  });
});
