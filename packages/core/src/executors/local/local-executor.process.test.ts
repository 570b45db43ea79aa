import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { systemClock } from '../../platform/clock.ts';
import { silentLog } from '../../platform/log.ts';
import { describeExecutor } from '../executor.contract.ts';
import { createTestFolder, createWorkload, storeBundle } from '../testing/test-bundle.ts';
import { LocalExecutor } from './local-executor.ts';

const DAGS_FOLDER = path.resolve(import.meta.dirname, '../testing/dags');

describeExecutor('the local executor', async ({ onReport, parallelism, graceMs }) => {
  const folder = createTestFolder();
  const stateFolder = path.join(folder.path, '.tradewind');
  const version = await storeBundle(DAGS_FOLDER, stateFolder);
  const executor = new LocalExecutor({
    clock: systemClock,
    log: silentLog,
    stateFolder,
    logsFolder: path.join(folder.path, 'logs'),
    maxHeapMegabytes: 64,
    parallelism,
    graceMs,
    onReport,
  });
  return {
    executor,
    createWorkload: (one) => createWorkload({ version, file: 'contract.ts', dagId: 'contract', ...one }),
    countProcesses: async () => (await readdir(path.join(stateFolder, 'children')).catch(() => [])).length,
    close: async () => {
      await executor.stop();
      folder[Symbol.dispose]();
    },
  };
});
