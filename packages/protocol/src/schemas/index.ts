export * from './asset-condition.ts';
export * from './cloud-event.ts';
export * from './execution.ts';
export * from './serialized-dag.ts';
export * from './serialized-schedule.ts';
export * from './triggerer.ts';
export * from './timetable-evaluation.ts';
