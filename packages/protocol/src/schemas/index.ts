export * from './cloud-event.ts';
export * from './execution.ts';
export * from './serialized-dag.ts';
