/** A definition that `dag()` would never return: what a foreign or damaged copy of the package might hand over. */
const task = { operator: 'function', inputs: {}, upstream: [], triggerRule: 'all_success', retries: 0, retryDelayMs: 0, isolation: 'warm', outlets: [] };
export function define(dagId, tasks = [], more = {}) {
  const serialized = {
    schemaVersion: 1,
    dagId,
    tags: [],
    schedule: { kind: 'none' },
    catchup: false,
    isPausedUponCreation: false,
    params: {},
    maxActiveRuns: 1,
    maxActiveTasks: 1,
    tasks: tasks.map((one) => ({ ...task, ...one })),
    assets: [],
    ...more,
  };
  return { [Symbol.for('tradewind.dag.v1')]: true, dagId, serialized, handlers: new Map() };
}
