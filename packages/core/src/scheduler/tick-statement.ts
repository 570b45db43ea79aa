import type { Statement } from '../store/database.ts';

/** The parts of a tick's transaction. */
export type Step =
  | 'hold'
  | 'index'
  | 'expand'
  | 'create'
  | 'start'
  | 'finish'
  | 'history'
  | 'xcom'
  | 'aliases'
  | 'events'
  | 'outgoing'
  | 'requests'
  | 'queues'
  | 'queued'
  | 'release'
  | 'settle'
  | 'restartHistory'
  | 'restart'
  | 'halt'
  | 'reset'
  | 'schedule'
  | 'defer'
  | 'forget'
  | 'lockPools'
  | 'lockDags'
  | 'queue'
  | 'begin'
  | 'finishRuns'
  | 'pause'
  | 'triggers'
  | 'taskCallbacks'
  | 'dagCallbacks'
  | 'deadlines'
  | 'wake';

/** A statement and its part in the tick. */
export interface TickStatement {
  readonly step: Step;
  readonly statement: Statement<unknown>;
}
