import { cpSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { REPOSITORY } from './command.ts';

/** A copy of the example fleet, without history, that is gone with the test. */
export interface FleetCopy extends Disposable {
  readonly folder: string;
  readonly customers: string;
  readonly profiles: string;
}

/** Copies the example fleet. */
export function copyFleet(): FleetCopy {
  const folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'tradewind-e2e-')));
  cpSync(path.join(REPOSITORY, 'examples/fleet'), folder, { recursive: true, filter: (file) => !file.includes('.tradewind') });
  symlinkSync(path.join(REPOSITORY, 'node_modules'), path.join(folder, 'node_modules'));
  return {
    folder,
    customers: path.join(folder, 'customers'),
    profiles: path.join(folder, 'profiles'),
    [Symbol.dispose]() {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
