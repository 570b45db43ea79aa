import type { Statement } from '../store/database.ts';

/** The parts of a tick's transaction. */
export type Step =
  | 'hold'
  | 'create'
  | 'start'
  | 'finish'
  | 'history'
  | 'xcom'
  | 'events'
  | 'outgoing'
  | 'requests'
  | 'release'
  | 'settle'
  | 'reset'
  | 'schedule'
  | 'queue'
  | 'finishRuns'
  | 'wake';

/** A statement and its part in the tick. */
export interface TickStatement {
  readonly step: Step;
  readonly statement: Statement<unknown>;
}
