import { createHash } from 'node:crypto';
import type { SerializedDag, SerializedTask } from '@tradewind/protocol';
import { isDagDefinition, SdkError, type Dag } from '@tradewind/sdk';
import type { FakeTask } from '@tradewind/sdk/testing';
import { checkDag } from '../dag-processor/check-dag.ts';
import { checkParamSchemas } from '../model/params.ts';
import { findScheduleProblem } from '../model/timetables/find-schedule-problem.ts';
import { createDagFileSink, type DagFileSinkParts } from '../store/dag-file-sink.ts';

/** By dag id, then by task id: what stands in for the code of tasks. */
export type FakesOfDags = Readonly<Record<string, Readonly<Record<string, FakeTask>>>>;

/** The bundle version of what a test stores. */
export const TEST_BUNDLE_VERSION = 'test';

/**
 * Stores dags as a dag processor does, each in a file of its own. All of them are on.
 * @throws SdkError `bad_test_run` where a dag, or a fake, cannot be used
 */
export async function storeDags(parts: DagFileSinkParts, dags: readonly Dag[], fakes: FakesOfDags): Promise<void> {
  const sink = createDagFileSink(parts);
  checkDags(dags, fakes);
  for (const { dagId, serialized } of dags) {
    const dag = asTested(serialized, fakes[dagId] ?? {});
    const hash = createHash('sha256').update(JSON.stringify(dag)).digest('hex');
    await sink.saveParsedFile({
      file: `${dagId}.ts`,
      contentHash: hash,
      dependencies: {},
      version: { bundleVersion: TEST_BUNDLE_VERSION },
      dags: [{ dag, serializedHash: hash }],
      warnings: [],
      parseMs: 0,
    });
  }
}

function checkDags(dags: readonly Dag[], fakes: FakesOfDags): void {
  const seen = new Set<string>();
  if (dags.length === 0) throw badEnvironment('dags is empty; give the dags that are to run');
  for (const dag of dags) {
    if (!isDagDefinition(dag)) throw badEnvironment('dags holds something that is no dag; give dags, as dag() returned them');
    if (seen.has(dag.dagId)) throw badEnvironment(`two dags have the id "${dag.dagId}"`);
    seen.add(dag.dagId);
    const problem = findProblem(dag.serialized);
    if (problem !== undefined) throw badEnvironment(`dag "${dag.dagId}": ${problem}`);
  }
  for (const [dagId, ofDag] of Object.entries(fakes)) {
    const dag = dags.find((one) => one.dagId === dagId);
    if (dag === undefined) throw badEnvironment(`fakes name the dag "${dagId}", which is not one of dags: ${[...seen].join(', ')}`);
    for (const taskId of Object.keys(ofDag)) checkFake(dag.serialized, taskId);
  }
}

function findProblem({ schedule, params }: SerializedDag): string | undefined {
  const [problem] = checkParamSchemas(params);
  return findScheduleProblem(schedule) ?? (problem === undefined ? undefined : `params: ${problem.path}: ${problem.message}`);
}

function checkFake({ dagId, tasks }: SerializedDag, taskId: string): void {
  const task = tasks.find((one) => one.taskId === taskId);
  if (task === undefined) {
    throw badEnvironment(
      `dag "${dagId}" has no task "${taskId}" that could have a fake; its tasks are ${tasks.map((one) => one.taskId).join(', ')}`,
    );
  }
  if (task.decision?.kind === 'latest_only') {
    throw badEnvironment(
      `task "${taskId}" of dag "${dagId}" is decided by the scheduler and has no code that could have a fake; set the clock instead`,
    );
  }
}

function asTested(dag: SerializedDag, fakes: Readonly<Record<string, FakeTask>>): SerializedDag {
  const tasks = dag.tasks.map((task) => (Object.hasOwn(fakes, task.taskId) ? asFaked(task) : task));
  const checked = checkDag({ ...dag, isPausedUponCreation: false, tasks });
  if (!checked.ok) throw badEnvironment(checked.problem);
  return checked.dag;
}

/** What the environment would do without the task's code, its fake does. */
function asFaked({ startFromTrigger: _start, triggerDagRun: _triggered, ...task }: SerializedTask): SerializedTask {
  return task.operator === 'empty' ? { ...task, operator: 'fake' } : task;
}

/** The error for what a test environment cannot do. */
export function badEnvironment(problem: string): SdkError {
  return new SdkError('bad_test_run', `testEnvironment: ${problem}`);
}
