import { findRun, taskInstancePath } from '../find-run.ts';
import type { EnvironmentOptions } from '../program/declare.ts';
import { withSessionOfDag } from '../session/open-session.ts';

interface RenderOptions extends EnvironmentOptions {
  readonly mapIndex?: number;
}

/** `tradewind tasks render <dag_id> <task_id> <run>`: what the template fields became in the last try, as it was kept: masked, and cut where it was long. */
export async function renderTask(dagId: string, taskId: string, idOrDate: string, { folder, mapIndex }: RenderOptions): Promise<undefined> {
  const fields = await withSessionOfDag(folder, dagId, async (session) => {
    const run = await findRun(session, dagId, idOrDate);
    const instance = await session.ask({ method: 'GET', path: taskInstancePath(run, taskId, mapIndex) });
    return Object.entries((instance as { readonly rendered_fields: Readonly<Record<string, unknown>> }).rendered_fields);
  });
  if (fields.length === 0) process.stderr.write('nothing is kept: the task has no template fields, has not run yet, or ran long ago\n');
  for (const [name, value] of fields)
    process.stdout.write(`# ${name}\n${typeof value === 'string' ? value : JSON.stringify(value, null, 2)}\n`);
}
