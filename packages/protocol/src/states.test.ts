import { describe, expect, test } from 'vitest';
import {
  DAG_RUN_TRANSITIONS,
  FINISHED_TASK_INSTANCE_STATES,
  TASK_INSTANCE_OPERATIONS,
  TASK_INSTANCE_STATES,
  TASK_INSTANCE_TRANSITIONS,
} from './index.ts';

describe('state tables', () => {
  test('a finished task instance has no way on by itself', () => {
    for (const state of FINISHED_TASK_INSTANCE_STATES) expect(TASK_INSTANCE_TRANSITIONS[state]).toEqual([]);
  });

  test('every state can be reached from none, by itself or by somebody’s doing', () => {
    const reached = new Set(['none']);
    for (let size = -1; size !== reached.size;) {
      size = reached.size;
      for (const state of TASK_INSTANCE_STATES) {
        if (reached.has(state))
          for (const next of [...TASK_INSTANCE_TRANSITIONS[state], ...TASK_INSTANCE_OPERATIONS[state]]) reached.add(next);
      }
    }
    expect([...reached].toSorted()).toEqual(TASK_INSTANCE_STATES.toSorted());
  });

  test('a finished dag run has no way on by itself', () => {
    expect(DAG_RUN_TRANSITIONS.success).toEqual([]);
    expect(DAG_RUN_TRANSITIONS.failed).toEqual([]);
  });
});
