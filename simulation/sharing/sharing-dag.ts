/** The pool of the mapped task, and how many slots it has. */
export const POOL = 'narrow';
export const POOL_SLOTS = 5;
/** How many task instances of `last` may be at work in all runs together. */
export const LIMIT = 3;
/** Task instances of the mapped task in each run. */
export const MAPPED = 3;

/** A dag file whose tasks write into a file when they begin and end. */
export function sharingDag(journal: string): string {
  return `
import { appendFileSync } from 'node:fs';
import { dag } from '@tradewind/sdk';
const note = ({ runId, taskId, mapIndex }, what) => appendFileSync(${JSON.stringify(journal)}, [what, runId, taskId, mapIndex].join(' ') + '\\n');
const work = async (context) => { note(context, 'begin'); await new Promise((resolve) => setTimeout(resolve, 3)); note(context, 'end'); };
export const share = dag('share', { maxActiveRuns: 40, maxActiveTasks: 4, taskDefaults: { retries: 20, retryDelay: { milliseconds: 50 } } }, (d) => {
  const list = d.task('list', { run: async (_, context) => { await work(context); return [${Array.from({ length: MAPPED }, (_, index) => index).join(', ')}]; } });
  const each = d.mappedTask('each', { expand: { number: list }, pool: '${POOL}', run: async (_, context) => work(context) });
  d.task('last', { after: [each], maxActiveTisPerDag: ${LIMIT}, run: async (_, context) => work(context) });
});
`;
}
