/**
 * Reads several dag files in this process, one after the other, each as if it were alone: a SharedParseRequest, the file's import, a SharedParseReply, and so on
 * until the channel closes or a file has left something behind.
 *
 * An answer is given only where a process of the file's own would give the same one without a warning; for all others it says that it has none. A file that
 * ends the process, waits for ever or fills the memory gets no answer, and whoever asked knows which one it was (adr/0028).
 */
import { setImmediate } from 'node:timers/promises';
import { getHeapStatistics } from 'node:v8';
import type { CodeLocation, SharedParseReply, SharedParseRequest } from '@tradewind/protocol';
import * as protocol from '@tradewind/protocol';
import * as sdk from '../index.ts';
import { CONTROL_FD, readMessage, writeMessage } from '../worker/control-channel.ts';
import { collectDags } from './collect-dags.ts';
import { separateModules, type ModuleInstances } from './module-instances.ts';
import { pinBundle, type PinnedBundle } from './pinned-bundle.ts';
import { noteSharedState, type SharedState } from './shared-state.ts';

/** Beyond this share of the heap the next file would have noticeably less of it than a process of its own. */
const WORN_OUT_HEAP_SHARE = 0.25;
/** Folders of the packages that are loaded once: they keep nothing of the files that use them. */
const SHARED_PACKAGES = [new URL('../../', import.meta.url).href, new URL('../', import.meta.resolve('@tradewind/protocol')).href];

/** What the files that are read here share. */
interface SharedReading {
  readonly bundle: PinnedBundle;
  readonly modules: ModuleInstances;
  readonly state: SharedState;
}

/** Answers the request and those that follow it. Resolves when the process has no further use. */
export async function readSharedFiles(first: SharedParseRequest): Promise<void> {
  const bundle = pinBundle(first.code);
  const modules = separateModules({ sharedPrefixes: SHARED_PACKAGES, importerUrl: import.meta.url });
  const reading = { bundle, modules, state: noteSharedState([sdk, protocol]) };
  for (let request: SharedParseRequest | undefined = first; request !== undefined; request = readRequest()) {
    const reply = await readOne(request.code, reading);
    writeMessage(CONTROL_FD, reply);
    if (reply.isSpent) return;
  }
}

/** The next file; undefined where there is none. */
function readRequest(): SharedParseRequest | undefined {
  try {
    return readMessage(CONTROL_FD) as SharedParseRequest;
  } catch {
    return undefined;
  }
}

async function readOne({ file, bundleVersion }: CodeLocation, { bundle, modules, state }: SharedReading): Promise<SharedParseReply> {
  if (bundleVersion !== bundle.bundleVersion) return { type: 'shared', isSpent: true };
  modules.startFile();
  state.startFile();
  bundle.forgetLoadedFiles();
  const parsed = await readDags(file, bundle);
  const { isDisturbed, isLasting, hasBuiltins } = modules.findings();
  const hasEffects = await hasLeftSomething(state, hasBuiltins);
  const isSpent = hasEffects || isLasting || isWornOut();
  if (parsed === undefined || hasEffects || isDisturbed) return { type: 'shared', isSpent };
  return { type: 'shared', parsed: { dags: parsed, files: [...bundle.loadedFiles] }, isSpent };
}

/** The dags as JSON would carry them; undefined for a file that cannot be read. */
async function readDags(file: string, bundle: PinnedBundle): Promise<unknown[] | undefined> {
  try {
    const dags = collectDags((await import(bundle.urlOf(file))) as object);
    return dags.map(({ serialized }) => JSON.parse(JSON.stringify(serialized)) as unknown);
  } catch {
    return undefined;
  }
}

async function hasLeftSomething(state: SharedState, hasBuiltins: boolean): Promise<boolean> {
  if (state.begunCount() > 0) return true;
  // A rejection that nobody handles ends the process in this turn of the event loop, which is itself one thing that is begun.
  await setImmediate();
  return state.begunCount() > 1 || state.hasChanged(hasBuiltins);
}

function isWornOut(): boolean {
  const { used_heap_size: usedBytes, heap_size_limit: limitBytes } = getHeapStatistics();
  return usedBytes > limitBytes * WORN_OUT_HEAP_SHARE;
}
