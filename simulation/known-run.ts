import type { DagRunState, SerializedDag, TaskInstanceState } from '@tradewind/protocol';
import type { Facts } from '../packages/core/src/scheduler/testing/reference-run.ts';

/** A task instance as the committed changes have made it. */
export interface KnownTask {
  readonly id: string;
  readonly run: KnownRun;
  readonly taskId: string;
  mapIndex: number;
  state: TaskInstanceState;
  epoch: number;
  tryNumber: number;
  readonly maxTries: number;
  /** The state before the transaction that is being looked at, where it changed in it. */
  stateBefore: TaskInstanceState | undefined;
  readonly runningEpochs: Set<number>;
  /** Tries that began. */
  tries: number;
  /** Tries that ended, by a report or because they were lost. */
  ends: number;
  /** Whether somebody cleared or marked it, or its run was ended before it had. */
  isDisturbed: boolean;
}

/** A run as the committed changes have made it. */
export interface KnownRun {
  readonly id: string;
  readonly dag: SerializedDag;
  readonly logicalAt: number | null;
  readonly instances: KnownTask[];
  readonly lengths: Map<string, number>;
  readonly facts: Map<string, Facts>;
  state: DagRunState;
  markedState: 'success' | 'failed' | null;
}

/** Something that must never be so, and is. */
export interface Violation {
  readonly invariant: string;
  readonly message: string;
}

/** Notes a violation. */
export type Violate = (invariant: string, message: string) => void;
