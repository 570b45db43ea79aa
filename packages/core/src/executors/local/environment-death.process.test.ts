import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { endLeftoverChildren } from '../../platform/leftover-children.ts';
import { createTestFolder, storeBundle } from '../testing/test-bundle.ts';
import { isRunning, untilGone } from '../../platform/testing/until-gone.ts';

const DAGS_FOLDER = path.resolve(import.meta.dirname, '../testing/dags');

/** An environment that runs nothing but an executor, and prints the pid of each task that has started. */
function environmentScript(stateFolder: string, version: object): string {
  const at = (file: string): string => JSON.stringify(new URL(file, import.meta.url).href);
  return `
    import { LocalExecutor } from ${at('local-executor.ts')};
    import { createWorkload } from ${at('../testing/test-bundle.ts')};
    import { systemClock } from ${at('../../platform/clock.ts')};
    import { silentLog } from ${at('../../platform/log.ts')};
    const stateFolder = ${JSON.stringify(stateFolder)};
    const onReport = (report) => console.log(report.type, report.attempt.taskInstanceId, report.pid);
    const executor = new LocalExecutor({ clock: systemClock, log: silentLog, stateFolder, logsFolder: stateFolder + '/logs', onReport });
    for (const taskId of ['ignore_signal', 'busy']) {
      executor.dispatch(createWorkload({ version: ${JSON.stringify(version)}, file: 'contract.ts', dagId: 'contract', taskId }));
    }
  `;
}

test('when an environment is killed its tasks end by themselves, or when it starts again', async () => {
  using folder = createTestFolder();
  const stateFolder = path.join(folder.path, '.tradewind');
  const script = path.join(folder.path, 'environment.ts');
  writeFileSync(script, environmentScript(stateFolder, await storeBundle(DAGS_FOLDER, stateFolder)));
  const environment = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const pids = new Map<string, number>();
  for await (const line of createInterface(environment.stdout)) {
    const [, task = '', pid] = line.split(' ');
    pids.set(task, Number(pid));
    if (pids.size === 2) break;
  }
  environment.kill('SIGKILL');
  await once(environment, 'exit');

  const [waiting = 0, busy = 0] = [pids.get('run.ignore_signal'), pids.get('run.busy')];
  await untilGone(waiting);
  expect(isRunning(busy)).toBe(true);
  expect(await endLeftoverChildren(stateFolder)).toContain(busy);
  await untilGone(busy);
});
