import { dag, deadline } from '@tradewind/sdk';
import { testEnvironment } from './index.ts';
const told: unknown[] = [];
const orders = dag('orders', { schedule: '@daily', startDate: '2026-01-01T00:00Z', deadlines: [{ name: 'two hours', reference: deadline.queuedAt(), interval: { hours: 2 }, callback: (c) => { told.push([String(c.deadlineAt), c.runId]); } }] }, (d) => {
  const rows = d.task('extract', { run: () => [1, 2, 3] });
  const total = d.task('total', { inputs: { rows }, retries: 2, retryDelay: { minutes: 10 }, run: ({ rows }, { tryNumber }) => { if (tryNumber === 1) throw new Error('flaky'); return rows.reduce((a, b) => a + b, 0); } });
  d.task('load', { inputs: { total }, retries: 5, retryDelay: { hours: 1 }, run: ({ total }, { logicalDate, tryNumber, log }) => { log.info('loading', { total }); if (String(logicalDate).startsWith('2026-03-01') && tryNumber < 4) throw new Error('down'); return total; } });
});
for (let i = 0; i < 3; i++) {
const t0 = performance.now();
const env = await testEnvironment({ now: '2026-01-01T00:00Z', dags: [orders] });
const t1 = performance.now();
await env.clock.advance({ days: 365 });
const t2 = performance.now();
const runs = await env.runs(orders);
const t3 = performance.now();
console.log(runs.length, runs.at(0)?.runId, runs.at(-1)?.runId, Object.groupBy(runs, r => r.state).success?.length, runs[0]?.task('total'), await env.missedDeadlines(), told.splice(0), env.log.length, env.log[0]);
await env.close();
console.log('start', t1 - t0, 'advance', t2 - t1, 'read', t3 - t2);
}
