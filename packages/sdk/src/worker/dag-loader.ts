import type { ParseFailure, SerializedTask, SerializedTriggerDagRun, TryFailure, Workload } from '@tradewind/protocol';
import type { DagDefinition, ResumeHandler, TaskHandler } from '../authoring/definition.ts';
import { collectDags } from '../parsing/collect-dags.ts';
import { describeImportError } from '../parsing/describe-import-error.ts';
import { pinBundle, type PinnedBundle } from '../parsing/pinned-bundle.ts';
import { describeThrown } from './describe-thrown.ts';
import { findMappedInputs } from './mapped-inputs.ts';

/** What runs a task, or why there is nothing to run. */
export type FoundTask = FoundCode | { readonly found: false; readonly failure: TryFailure };

/** What runs a task: its functions, and what they may do. */
export interface FoundCode {
  readonly found: true;
  readonly handler: TaskHandler;
  readonly resume?: ResumeHandler;
  /** Names of the assets that it may emit events of. */
  readonly outlets: readonly string[];
  readonly task?: SerializedTask;
  /** Set where it has no code of the author's but triggers a run: see trigger-dag-run-entry.ts. */
  readonly triggerDagRun?: SerializedTriggerDagRun;
  /** Names of the triggers that it may wait for. @default [] */
  readonly triggers?: readonly string[];
  /** The inputs that are the values of all task instances of a mapped task. @default [] */
  readonly mappedInputs?: readonly string[];
}

/**
 * Returns a function that finds the code of a task: it imports the dag file once and answers from memory after that. The process belongs to
 * the bundle version of the first call; a call for another one is refused.
 */
export function createDagLoader(): (workload: Workload) => Promise<FoundTask> {
  let bundle: PinnedBundle | undefined;
  const dagsByFile = new Map<string, Promise<DagDefinition[]>>();
  // A dag may have thousands of tasks, and a task thousands of tries.
  const foundTasks = new Map<string, FoundTask>();

  return async ({ code, context: { dagId, taskId } }) => {
    try {
      bundle ??= pinBundle(code);
    } catch (error) {
      return notFound(describeThrown(error).message);
    }
    if (bundle.bundleVersion !== code.bundleVersion) {
      return notFound(`this process is bound to bundle version ${bundle.bundleVersion} and was asked for ${code.bundleVersion}`);
    }
    const dags = dagsByFile.get(code.file) ?? importDags(code.file, bundle);
    dagsByFile.set(code.file, dags);
    try {
      const key = JSON.stringify([code.file, dagId, taskId]);
      const found = foundTasks.get(key) ?? findTask(await dags, code.file, { dagId, taskId });
      foundTasks.set(key, found);
      return found;
    } catch (error) {
      return notFound(...describeFailure(describeImportError(error, bundle)));
    }
  };
}

async function importDags(file: string, bundle: PinnedBundle): Promise<DagDefinition[]> {
  return collectDags((await import(bundle.urlOf(file))) as object);
}

function findTask(dags: readonly DagDefinition[], file: string, { dagId, taskId }: { dagId: string; taskId: string }): FoundTask {
  const dag = dags.find((one) => one.dagId === dagId);
  if (dag === undefined)
    return notFound(`${file} exports no dag "${dagId}" when a task imports it; a dag file must define the same dags each time`);
  const task = dag.serialized.tasks.find((one) => one.taskId === taskId);
  const handler = dag.handlers.get(taskId);
  if (task?.triggerDagRun !== undefined) return { found: true, ...codeOf(dag, task, NOTHING), triggerDagRun: task.triggerDagRun };
  if (handler === undefined || task === undefined) return notFound(`dag "${dagId}" in ${file} has no task "${taskId}" that can be run`);
  return { found: true, ...codeOf(dag, task, handler) };
}

const NOTHING: TaskHandler = () => null;

/** A task's functions as its definition keeps them. */
export function codeOf(dag: DagDefinition, task: SerializedTask, handler: TaskHandler): Omit<FoundCode, 'found'> {
  const resume = dag.resumeHandlers.get(task.taskId);
  return {
    handler,
    ...(resume === undefined ? {} : { resume }),
    outlets: task.outlets,
    task,
    triggers: (dag.triggers.get(task.taskId) ?? []).map(({ name }) => name),
    mappedInputs: findMappedInputs(dag.serialized, task),
  };
}

function describeFailure({ message, file, line, column, excerpt, stack }: ParseFailure): [string, string | undefined] {
  const place = [file, line, column].filter((part) => part !== undefined).join(':');
  const detail = [excerpt, stack].filter((part) => part !== undefined).join('\n\n');
  return [place === '' ? message : `${place}: ${message}`, detail === '' ? undefined : detail];
}

function notFound(message: string, detail?: string): FoundTask {
  return { found: false, failure: { kind: 'import', message, ...(detail === undefined ? {} : { detail }) } };
}
