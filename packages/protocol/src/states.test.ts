import { describe, expect, test } from 'vitest';
import { DAG_RUN_TRANSITIONS, FINISHED_TASK_INSTANCE_STATES, TASK_INSTANCE_STATES, TASK_INSTANCE_TRANSITIONS } from './index.ts';

describe('state tables', () => {
  test('a finished task instance has no way on', () => {
    for (const state of FINISHED_TASK_INSTANCE_STATES) expect(TASK_INSTANCE_TRANSITIONS[state]).toEqual([]);
  });

  test('every state but removed can be reached from none', () => {
    const reached = new Set(['none']);
    for (let size = -1; size !== reached.size;) {
      size = reached.size;
      for (const state of TASK_INSTANCE_STATES) {
        if (reached.has(state)) for (const next of TASK_INSTANCE_TRANSITIONS[state]) reached.add(next);
      }
    }
    expect([...reached].toSorted()).toEqual(TASK_INSTANCE_STATES.filter((state) => state !== 'removed').toSorted());
  });

  test('a finished dag run has no way on', () => {
    expect(DAG_RUN_TRANSITIONS.success).toEqual([]);
    expect(DAG_RUN_TRANSITIONS.failed).toEqual([]);
  });
});
