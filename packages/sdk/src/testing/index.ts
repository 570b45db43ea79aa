export { askTimetable } from '../parsing/ask-timetable.ts';
export { runCallbacks, runFakeTrigger, type CalledCallbacks } from './call-in-process.ts';
export type { FakeConnection } from './fake-requests.ts';
export type { FakeTask, FakeTrigger, RunDagEvent, RunDagOptions } from './prepare-run.ts';
export { runDag } from './run-dag.ts';
export { runTry, type RunTryOptions } from './run-try.ts';
export type { DagRunResult, EmittedAssetEvent, LoggedLine, TaskInstanceResult, TaskResult, TriggeredRun } from './dag-run-result.ts';
