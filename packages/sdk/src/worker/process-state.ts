import { readdirSync, writeFileSync } from 'node:fs';

/** Half of the usual limit of a process. */
const MAX_OPEN_DESCRIPTORS = 512;

/** What author code can change for the whole process, as it was at one moment. */
export interface ProcessState {
  readonly workingFolder: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Properties of `Object.prototype`, which every object inherits. */
  readonly prototype: ReadonlyMap<PropertyKey, unknown>;
  /** How many of each kind of resource keep the event loop alive. */
  readonly openResources: ReadonlyMap<string, number>;
}

/** What differs from an earlier state, each in words; empty where nothing does. */
export interface ProcessChanges {
  readonly workingFolder: readonly string[];
  readonly environment: readonly string[];
  readonly prototype: readonly string[];
  readonly openResources: readonly string[];
}

/** Notes what author code can change, to be compared later. */
export function noteProcessState(): ProcessState {
  return {
    workingFolder: workingFolder(),
    environment: { ...process.env },
    prototype: new Map(Reflect.ownKeys(Object.prototype).map((name) => [name, inheritedProperty(name)])),
    openResources: countResources(),
  };
}

/** What has changed since `before`. */
export function findProcessChanges(before: ProcessState): ProcessChanges {
  const folder = workingFolder();
  return {
    workingFolder: folder === before.workingFolder ? [] : [`the working folder is now ${folder}`],
    environment: findChangedVariables(before).map((name) => `the environment variable ${name} was changed`),
    prototype: findChangedPrototype(before),
    openResources: findOpenedResources(before),
  };
}

/**
 * What a try left behind that the next one in the same process could meet, each in words. A changed working folder and changed environment
 * variables are put back and not named.
 */
export function findLeftovers(before: ProcessState): string[] {
  const leftovers = [...findChangedPrototype(before), ...findOpenedResources(before)];
  try {
    restoreProcessState(before);
  } catch (error) {
    leftovers.push(`the working folder could not be restored: ${String(error)}`);
  }
  return leftovers;
}

/** Says so where so many files and sockets are open that later tries would run out of them; empty where the system cannot tell. */
export function findDescriptorLeak(): string[] {
  try {
    const count = readdirSync('/proc/self/fd').length;
    return count > MAX_OPEN_DESCRIPTORS ? [`${count} files and sockets are open`] : [];
  } catch {
    return [];
  }
}

function restoreProcessState(before: ProcessState): void {
  if (workingFolder() !== before.workingFolder) process.chdir(before.workingFolder);
  for (const name of findChangedVariables(before)) {
    const value = before.environment[name];
    if (value === undefined) Reflect.deleteProperty(process.env, name);
    else process.env[name] = value;
  }
}

function findOpenedResources(before: ProcessState): string[] {
  const opened: string[] = [];
  for (const [kind, count] of countResources()) {
    const more = count - (before.openResources.get(kind) ?? 0);
    if (more > 0) opened.push(`${more} × ${kind} still open`);
  }
  return opened;
}

/** Asks the kernel, where it is Linux, to end this process before others when memory runs out: the environment must outlive its tasks. */
export function offerToOutOfMemoryKiller(): void {
  try {
    writeFileSync('/proc/self/oom_score_adj', '1000');
  } catch {
    // Not Linux, or not allowed: the kernel then chooses by size alone.
  }
}

function workingFolder(): string {
  try {
    return process.cwd();
  } catch {
    return 'gone';
  }
}

function findChangedVariables({ environment }: ProcessState): string[] {
  const names = Object.keys(process.env);
  const changed = names.filter((name) => process.env[name] !== environment[name]);
  const count = Object.keys(environment).length;
  // Every reading of a variable asks the system, so those that are gone are looked for only where some must be.
  if (changed.length === 0 && names.length === count) return changed;
  return [...changed, ...Object.keys(environment).filter((name) => !names.includes(name))];
}

function findChangedPrototype({ prototype }: ProcessState): string[] {
  const names = Reflect.ownKeys(Object.prototype);
  const changed = names.filter((name) => !prototype.has(name) || inheritedProperty(name) !== prototype.get(name));
  const removed =
    names.length - changed.length === prototype.size ? [] : [...prototype.keys()].filter((name) => !names.includes(name as string));
  return [...changed, ...removed].map((name) => `Object.prototype.${String(name)} was changed`);
}

function inheritedProperty(name: PropertyKey): unknown {
  return Reflect.get(Object.prototype, name);
}

function countResources(): Map<string, number> {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return counts;
}
