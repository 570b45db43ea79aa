export type { MissedDeadline, TestedRun, TestedTask, TestedTaskInstance } from './read-runs.ts';
export type { FakesOfDags } from './store-dags.ts';
export type { TestClock } from './test-clock.ts';
export { testEnvironment, type TestEnvironment, type TestEnvironmentOptions, type TestTrigger } from './test-environment.ts';
export type { LoggedEntry } from './test-log.ts';
