import type { GroupRef } from './group-ref.ts';
import { DefinitionError } from '../errors.ts';
import { addGroup, type GroupRequest } from './add-group.ts';
import { addScope } from './add-scope.ts';
import type { DagBuilder } from './dag-builder.ts';
import { createBranchChoice } from './group-ref.ts';
import { BRANCH, LATEST_ONLY, SHORT_CIRCUIT } from './kinds/decisions.ts';
import { FUNCTION_TASK, SETUP_TASK } from './kinds/function-task.ts';
import { MAPPED_TASK } from './kinds/mapped-task.ts';
import { SENSOR } from './kinds/sensor.ts';
import { TEARDOWN } from './kinds/teardown.ts';
import { TRIGGER_DAG_RUN } from './kinds/trigger-dag-run.ts';
import type { OpenDag, Place } from './open-dag.ts';
import type { CheckedTaskDefaults } from './read-task-defaults.ts';
import { fullId, readTaskSpec, type TaskKind } from './read-task-spec.ts';
import { createTaskRef } from './task-ref.ts';

/** Any builder at all: what a method returns is typed where it is called. */
type AnyBuilder = DagBuilder<never, never>;

/** A builder, and the way to end building. */
export interface OpenDagBuilder {
  readonly builder: AnyBuilder;
  /** What was added. Adding another thing after this throws. */
  readonly close: () => OpenDag;
}

/** A builder for one dag. */
export function createDagBuilder(dagId: string, defaults: CheckedTaskDefaults): OpenDagBuilder {
  const dag: OpenDag = { dagId, tasks: new Map(), groups: new Map(), refs: new Map() };
  const place: Place = { dag, group: undefined, mappedGroup: undefined, defaults, memberships: [] };
  const { builder, close } = openBuilder(place, 'dag()');
  return {
    builder,
    close() {
      close();
      return dag;
    },
  };
}

/** A builder that adds to one place until it is closed. `what` names whose callback it was handed to. */
function openBuilder(place: Place, what: string): { readonly builder: AnyBuilder; readonly close: () => void } {
  let isClosed = false;
  const checkOpen = (id: unknown): void => {
    if (!isClosed) return;
    throw new DefinitionError(
      `dag "${place.dag.dagId}", task ${JSON.stringify(id)}`,
      `it was added after the callback of ${what} had returned; add all tasks inside the callback, without await`,
    );
  };
  const add =
    (kind: TaskKind) =>
    (taskId: string, spec: unknown): never => {
      checkOpen(taskId);
      return addTask(kind, place, taskId, spec) as never;
    };
  const group = (groupId: string, request: GroupRequest): GroupRef<never> => {
    checkOpen(groupId);
    return addGroup(place, groupId, request, openBuilder) as GroupRef<never>;
  };
  const builder = {
    task: add(FUNCTION_TASK),
    mappedTask: add(MAPPED_TASK),
    branch: add(BRANCH),
    shortCircuit: add(SHORT_CIRCUIT),
    latestOnly: (taskId: string, options: unknown = {}) => add(LATEST_ONLY)(taskId, options),
    sensor: add(SENSOR),
    setup: add(SETUP_TASK),
    teardown: add(TEARDOWN),
    triggerDagRun: add(TRIGGER_DAG_RUN),
    group: (groupId: string, ...rest: readonly unknown[]) =>
      group(groupId, { options: rest.length === 1 ? {} : rest[0], define: rest.at(-1), isMapped: false }),
    mappedGroup: (groupId: string, options: unknown, define: unknown) => group(groupId, { options, define, isMapped: true }),
    scope(between: unknown, define: unknown) {
      checkOpen('scope');
      return addScope(place, { options: between, define }, openBuilder) as never;
    },
  } satisfies Record<keyof AnyBuilder, unknown>;
  return {
    builder: Object.freeze(builder) as AnyBuilder,
    close() {
      isClosed = true;
    },
  };
}

/** Adds a task and returns its ref; that of a branch can make choices. */
function addTask(kind: TaskKind, place: Place, taskId: string, spec: unknown): object {
  const task = readTaskSpec(kind, place, taskId, spec);
  const { dag, mappedGroup } = place;
  // Reading a spec may have run a getter of the author's.
  if (dag.tasks.has(task.taskId)) {
    throw new DefinitionError(
      `dag "${dag.dagId}"`,
      `two tasks have one id, "${fullId(place, taskId)}"; add no task while the spec of another is read`,
    );
  }
  dag.tasks.set(task.taskId, task);
  for (const members of place.memberships) members.add(task.taskId);
  const { decision } = task.fields;
  const ref = createTaskRef(
    dag.dagId,
    task.taskId,
    decision?.kind === 'branch' ? { choice: chooser(place, task.taskId, decision.choices) } : {},
  );
  dag.refs.set(ref, mappedGroup?.groupId);
  return ref;
}

function chooser({ dag }: Place, branchId: string, choices: readonly string[]): (label: string) => object {
  return (label) => {
    if (!choices.includes(label)) {
      const known = choices.map((choice) => `'${choice}'`).join(', ');
      throw new DefinitionError(`dag "${dag.dagId}", task "${branchId}"`, `'${label}' is not one of its choices; they are ${known}`);
    }
    const choice = createBranchChoice(dag.dagId, branchId, label);
    dag.refs.set(choice, undefined);
    return choice;
  };
}
