import type { InputBinding, JsonValue, SerializedDag, SerializedTask } from '@tradewind/protocol';
import { TradewindError } from '../../platform/errors.ts';
import type { ExitCode } from '../exit-codes.ts';
import type { EnvironmentOptions } from '../program/declare.ts';
import { testFoundDag } from './test-dag.ts';

interface TestTaskOptions extends EnvironmentOptions {
  readonly conf?: Readonly<Record<string, unknown>>;
  readonly input: Readonly<Record<string, unknown>>;
}

/** `tradewind tasks test <dag_id> <task_id>`: one try, whatever the task waits for; how it ended is also the exit code. */
export async function testTask(dagId: string, taskId: string, { input, ...options }: TestTaskOptions): Promise<ExitCode | undefined> {
  return testFoundDag(dagId, options, (dag) => onlyTask(dag, taskId, input));
}

/**
 * The dag with nothing in it but one task, which waits for nothing and is tried once.
 * @throws TradewindError `not_found` for an unknown task, `usage` where its inputs are not exactly those that are given
 */
function onlyTask(dag: SerializedDag, taskId: string, given: Readonly<Record<string, unknown>>): SerializedDag {
  const task = dag.tasks.find((each) => each.taskId === taskId);
  if (task === undefined) {
    throw new TradewindError(
      'not_found',
      `dag "${dag.dagId}" has no task "${taskId}"; it has ${dag.tasks.map((each) => each.taskId).join(', ')}`,
    );
  }
  const { failFast: _failFast, dagrunTimeoutMs: _timeout, maxConsecutiveFailedDagRuns: _pause, ...rest } = dag;
  return { ...rest, groups: [], deadlines: [], tasks: [alone(task, bindInputs(dag.dagId, task, given))] };
}

function alone(task: SerializedTask, inputs: SerializedTask['inputs']): SerializedTask {
  const {
    groupId: _group,
    expand: _expand,
    role: _role,
    setups: _setups,
    followedOn: _followed,
    pool: _pool,
    poolSlots: _slots,
    ...rest
  } = task;
  const { dependsOnPast: _past, waitForDownstream: _downstream, ...free } = rest;
  return { ...free, inputs, upstream: [], triggerRule: 'all_success', retries: 0 };
}

function bindInputs(dagId: string, task: SerializedTask, given: Readonly<Record<string, unknown>>): SerializedTask['inputs'] {
  const expanded = task.expand?.kind === 'product' ? task.expand.over.map(({ name }) => name) : [];
  const names = new Set([...Object.keys(task.inputs), ...expanded]);
  const unknown = Object.keys(given).filter((name) => !names.has(name) && task.expand?.kind !== 'sets');
  const missing = [...names].filter((name) => !Object.hasOwn(given, name) && task.inputs[name]?.kind !== 'literal');
  const problems = [
    ...(unknown.length === 0 ? [] : [`it has no input ${unknown.join(', ')}`]),
    ...(missing.length === 0 ? [] : [`give ${missing.map((name) => `--input '${name}=<json>'`).join(' ')}`]),
  ];
  if (problems.length > 0)
    throw new TradewindError('usage', `the inputs of task "${task.taskId}" of dag "${dagId}" are not complete: ${problems.join('; ')}`);
  const literals = Object.entries(given).map(([name, value]): [string, InputBinding] => [
    name,
    { kind: 'literal', value: value as JsonValue },
  ]);
  return { ...task.inputs, ...Object.fromEntries(literals) };
}
