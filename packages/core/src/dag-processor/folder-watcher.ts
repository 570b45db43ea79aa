import { watch, type FSWatcher } from 'node:fs';
import { messageOf } from '../platform/errors.ts';
import type { Log } from '../platform/log.ts';

/** Tells that something in a folder has changed. A hint and no more: changes can be missed, and what they are is found by reading. */
export interface FolderWatcher {
  /** Watches this folder from now on; nothing happens where it is the one that is watched already. */
  moveTo(folder: string): void;
  close(): void;
}

/** A watcher that watches nothing until it is moved somewhere. Where the system cannot watch, it says so in the log and stays silent. */
export function createFolderWatcher(onChange: () => void, log: Log): FolderWatcher {
  let watched: { readonly folder: string; readonly watcher: FSWatcher } | undefined;
  const close = (): void => {
    watched?.watcher.close();
    watched = undefined;
  };
  const giveUp = (folder: string, error: unknown): void => {
    log.warning('changes of the dag files are noticed by reading the folder every now and then', { folder, problem: messageOf(error) });
    close();
  };
  return {
    moveTo(folder) {
      if (watched?.folder === folder) return;
      close();
      try {
        const watcher = watch(folder, { recursive: true }, onChange);
        watcher.on('error', (error) => giveUp(folder, error));
        watched = { folder, watcher };
      } catch (error) {
        giveUp(folder, error);
      }
    },
    close,
  };
}
