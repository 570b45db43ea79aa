import type { MappedValues } from './mapped-values.ts';
import type { TaskRef } from './task-ref.ts';

/** Marks the ref of a group, and the choice of a branch: see `TASK_REF`. */
const GROUP_REF: unique symbol = Symbol.for('tradewind.group-ref.v1') as never;
const BRANCH_CHOICE: unique symbol = Symbol.for('tradewind.branch-choice.v1') as never;

/** A group of the dag that is being defined. Named in `after` it stands for its last tasks. */
export interface GroupRef<out Refs = unknown> {
  readonly dagId: string;
  readonly groupId: string;
  /** What the callback of the group returned; of a mapped group, as tasks outside see it. */
  readonly refs: Refs;
}

/** A branch: a task that chooses which of the tasks below it are followed. */
export interface BranchRef<in out Label extends string> extends TaskRef<Label | readonly Label[] | null> {
  /**
   * An edge for `after`: what stands below it is followed where the branch returns this label, and skipped where it does not.
   *
   * @example
   * const size = d.branch('size', { inputs: { total }, choices: ['big', 'small'], run: ({ total }) => (total > 10 ? 'big' : 'small') });
   * d.task('load_big', { after: [size.choice('big')], run: loadBig });
   * d.task('load_small', { after: [size.choice('small')], run: loadSmall });
   */
  readonly choice: (label: Label) => BranchChoice;
}

/** An edge from a branch that holds under one label. */
export interface BranchChoice {
  readonly dagId: string;
  readonly branchId: string;
  readonly label: string;
}

/** What `after` lists: tasks, groups (their last tasks), and choices of branches. */
export type AfterItem = TaskRef<unknown> | GroupRef | BranchChoice;

/** Refs of tasks inside a mapped group as tasks outside see them: each with the values of all indices. */
export type MappedRefs<Refs> =
  Refs extends TaskRef<infer T>
    ? TaskRef<MappedValues<T>>
    : Refs extends GroupRef<infer Inner>
      ? GroupRef<MappedRefs<Inner>>
      : Refs extends object
        ? { readonly [K in keyof Refs]: MappedRefs<Refs[K]> }
        : Refs;

/** Makes the ref of a group. */
export function createGroupRef<Refs>(dagId: string, groupId: string, refs: Refs): GroupRef<Refs> {
  return Object.freeze({ dagId, groupId, refs, [GROUP_REF]: true });
}

/** Makes the edge of a choice. */
export function createBranchChoice(dagId: string, branchId: string, label: string): BranchChoice {
  return Object.freeze({ dagId, branchId, label, [BRANCH_CHOICE]: true });
}

/** Whether a value is the ref of a group, of this dag or of another one. */
export function isGroupRef(value: unknown): value is GroupRef {
  return typeof value === 'object' && value !== null && (value as { [GROUP_REF]?: true })[GROUP_REF] === true;
}

/** Whether a value is a choice of a branch, of this dag or of another one. */
export function isBranchChoice(value: unknown): value is BranchChoice {
  return typeof value === 'object' && value !== null && (value as { [BRANCH_CHOICE]?: true })[BRANCH_CHOICE] === true;
}
