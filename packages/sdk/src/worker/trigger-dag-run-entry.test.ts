import type { SerializedTriggerDagRun, TaskRequest, TaskResponse } from '@tradewind/protocol';
import { describe, expect, test } from 'vitest';
import { isDeferred } from '../authoring/deferral.ts';
import { triggerDagRunEntry } from './trigger-dag-run-entry.ts';

const trigger: SerializedTriggerDagRun = {
  dagId: 'reports',
  waitForCompletion: false,
  onExisting: 'fail',
  failWhenDagIsPaused: false,
  allowedStates: ['success'],
  failedStates: ['failed'],
};
const created: TaskResponse = { ok: true, value: { runId: 'run_1', outcome: 'created' } };

function enter(changes: Partial<SerializedTriggerDagRun>, response: TaskResponse) {
  const asked: TaskRequest[] = [];
  const ask = (request: TaskRequest) => {
    asked.push(request);
    return Promise.resolve(response);
  };
  return { asked, entry: triggerDagRunEntry({ ...trigger, ...changes }, { ask }) };
}

const ended = (state: string) => ({ stateJson: 'null', event: { ok: true, json: JSON.stringify({ runId: 'run_1', state }) } }) as const;
const unasked = () => Promise.reject(new Error('nothing is asked'));

describe('a task that triggers a run', () => {
  test('asks for it with its params and passes its id on', async () => {
    const { asked, entry } = enter({}, created);
    expect(await entry({ conf: { region: 'eu' }, logicalDate: '2026-01-31T00:00:00Z', note: null }, {})).toBe('run_1');
    expect(asked).toEqual([
      {
        kind: 'trigger_dag_run',
        dagId: 'reports',
        confJson: '{"region":"eu"}',
        onExisting: 'fail',
        failWhenDagIsPaused: false,
        logicalDate: '2026-01-31T00:00:00Z',
      },
    ]);
  });

  test('is skipped where the run exists and it was told so', async () => {
    const { entry } = enter({ onExisting: 'skip' }, { ok: true, value: { runId: 'run_1', outcome: 'skipped' } });
    await expect(entry({}, {})).rejects.toThrow('run "run_1" of dag "reports" exists already');
  });

  test.each([
    ['bad_request', 'FailTask'],
    ['unavailable', 'SdkError'],
  ] as const)('fails where the answer is %s, with a retry only where that may help (%s)', async (code, name) => {
    const { entry } = enter({}, { ok: false, code, message: 'no' });
    await expect(entry({}, {})).rejects.toMatchObject({ name, message: 'dag "reports" could not be triggered: no' });
  });

  test('refuses a run id that is no text', async () => {
    const { entry } = enter({}, created);
    await expect(entry({ runId: 7 }, {})).rejects.toThrow('the runId of the run to trigger is 7; it must be a text');
  });

  test('waits for the end without a slot', async () => {
    const { entry } = enter({ waitForCompletion: true }, created);
    const deferred = await entry({}, {});
    expect(isDeferred(deferred) && deferred.trigger).toEqual({ kind: 'dag_run', dagId: 'reports', runId: 'run_1' });
  });

  test('goes by how the run ended', () => {
    const resume = (state: string, changes: Partial<SerializedTriggerDagRun> = {}) =>
      triggerDagRunEntry({ ...trigger, ...changes }, { ask: unasked, resumption: ended(state) })({}, {});
    expect(resume('success')).toBe('run_1');
    expect(() => resume('failed')).toThrow('run "run_1" of dag "reports" ended in failed, which fails this task');
    expect(resume('failed', { allowedStates: ['success', 'failed'], failedStates: [] })).toBe('run_1');
    expect(() => resume('failed', { failedStates: [] })).toThrow('which is not among the states that this task allows');
  });
});
