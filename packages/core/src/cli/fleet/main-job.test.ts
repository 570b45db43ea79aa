import { describe, expect, test } from 'vitest';
import type { Activity } from '../../platform/activity.ts';
import { loadConfig } from '../../platform/config.ts';
import { TradewindError } from '../../platform/errors.ts';
import type { ApiCall, EnvironmentSession } from '../session/environment-session.ts';
import { startMainJob, type MainJobParts } from './main-job.ts';

const job = { environment: 'up', dag: 'master', conf: { size: 1 }, waitFor: { environment: 'down', dag: 'profile' } };

/** Environments as their APIs answer. */
class FakeFleet {
  readonly requests: ApiCall[] = [];
  readonly requested = Promise.withResolvers<string>();
  bundleVersion = 'now';
  unfinishedRuns: string[] = [];
  /** Thrown by the next calls, the first one first. */
  failures: TradewindError[] = [];

  readonly session: EnvironmentSession = {
    config: loadConfig('/nowhere', {}),
    address: 'http://127.0.0.1:1',
    ask: (call) => this.#answer(call),
    close: () => Promise.resolve(),
  };

  // eslint-disable-next-line typescript/require-await -- the API is asked over a network
  async #answer(call: ApiCall): Promise<unknown> {
    const failure = this.failures.shift();
    if (failure !== undefined) throw failure;
    this.requests.push(call);
    if (call.method === 'POST') {
      this.requested.resolve(String(call.body?.['dag_run_id']));
      return {};
    }
    if (call.path.includes('dagRuns')) return { dag_runs: this.unfinishedRuns.map((dag_run_id) => ({ dag_run_id })) };
    return { bundle_version: this.bundleVersion };
  }

  start(): ReturnType<typeof startMainJob> {
    const sessions = new Map([
      ['up', this.session],
      ['down', this.session],
    ]);
    const parts: MainJobParts = { job, sessions, bundleVersion: 'now', signal: new AbortController().signal };
    return startMainJob(parts);
  }
}

const end = (dagId: string, runId: string, state: 'success' | 'failed'): Activity => ({
  type: 'dag_run',
  dagId,
  runId,
  runType: 'manual',
  state,
});

describe('startMainJob', () => {
  test('asks for one run with the conf and ends as the run that is waited for', async () => {
    const fleet = new FakeFleet();
    const main = fleet.start();
    const runId = await fleet.requested.promise;
    expect(fleet.requests.at(-1)).toMatchObject({ method: 'POST', path: '/api/v2/dags/master/dagRuns', body: { conf: { size: 1 } } });
    main.observe('up', end('master', runId, 'success'));
    main.observe('down', end('profile', 'from-event', 'failed'));
    await expect(main.ended).resolves.toBe('failed');
  });

  test('ends with a failure of its own run', async () => {
    const fleet = new FakeFleet();
    const main = fleet.start();
    main.observe('up', end('master', await fleet.requested.promise, 'failed'));
    await expect(main.ended).resolves.toBe('failed');
  });

  test('pays no attention to other runs, dags and environments, and to runs from before the request', async () => {
    const fleet = new FakeFleet();
    fleet.unfinishedRuns = ['old'];
    const main = fleet.start();
    main.observe('down', end('profile', 'earlier', 'failed'));
    await fleet.requested.promise;
    main.observe('down', end('profile', 'old', 'failed'));
    main.observe('down', end('other', 'x', 'failed'));
    main.observe('up', end('profile', 'x', 'failed'));
    main.observe('up', end('master', 'another', 'failed'));
    main.observe('down', end('profile', 'new', 'success'));
    await expect(main.ended).resolves.toBe('success');
  });

  test('waits until the environment knows the dag as its file is now', async () => {
    const fleet = new FakeFleet();
    fleet.bundleVersion = 'before';
    fleet.failures = [new TradewindError('not_found', 'not read yet')];
    fleet.start();
    await expect.poll(() => fleet.requests.length).toBeGreaterThan(2);
    expect(fleet.requests.every(({ method }) => method === 'GET')).toBe(true);
    fleet.bundleVersion = 'now';
    await fleet.requested.promise;
  });

  test('asks again while an environment is being restarted, and finds the run that it had asked for', async () => {
    const fleet = new FakeFleet();
    fleet.failures = [new TradewindError('timeout', 'does not answer')];
    const main = fleet.start();
    await fleet.requested.promise;
    expect(fleet.failures).toEqual([]);
    main.observe('down', end('profile', 'new', 'success'));
    await expect(main.ended).resolves.toBe('success');
  });

  test('fails where the run is refused', async () => {
    const fleet = new FakeFleet();
    fleet.failures = [new TradewindError('bad_request', 'the conf does not fit')];
    await expect(fleet.start().ended).rejects.toThrow('the conf does not fit');
  });
});
