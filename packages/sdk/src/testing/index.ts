export type { FakeTask, RunDagEvent, RunDagOptions } from './prepare-run.ts';
export { runDag } from './run-dag.ts';
export type { DagRunResult, EmittedAssetEvent, LoggedLine, TaskResult } from './dag-run-result.ts';
