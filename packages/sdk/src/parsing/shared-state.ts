import { createHook } from 'node:async_hooks';
import { findProcessChanges, noteProcessState, type ProcessChanges, type ProcessState } from '../worker/process-state.ts';
import { STATELESS_BUILTINS } from './module-instances.ts';

/** Whatever a dag file can change for the next one in its process, as it was at one moment. */
export interface SharedState {
  /** From here on another dag file is read. */
  startFile(): void;
  /**
   * Whether anything is not as it was.
   * @param hasBuiltins whether a part of Node could have been changed, because a file has loaded one
   */
  hasChanged(hasBuiltins: boolean): boolean;
  /** How many things the file began that may go on although nothing shows it: timers that keep no process alive, child processes, threads. */
  begunCount(): number;
}

/** An object's properties without calling any of its getters, and its prototype. */
interface ObjectState {
  readonly target: object;
  readonly prototype: object | null;
  readonly properties: ReadonlyMap<PropertyKey, PropertyDescriptor>;
}

/** Asynchronous work that is over when nothing keeps the event loop alive, and leaves nothing that could begin again. */
const PASSING_RESOURCES: ReadonlySet<string> = new Set(['PROMISE', 'TickObject', 'Microtask', 'FSREQCALLBACK', 'FSREQPROMISE']);

/**
 * Notes what a dag file could change: the language's own objects, Node's, those of the packages that all files share, and the process. Notes them once: a file
 * that changes any of it is the last one of its process.
 * @param sharedModules namespaces of the modules that all files share
 */
export function noteSharedState(sharedModules: readonly object[]): SharedState {
  const always = findSharedObjects([globalThis, ...hiddenIntrinsics(), ...sharedModules]);
  const builtins = findSharedObjects([...STATELESS_BUILTINS].map((name) => process.getBuiltinModule(name) as unknown)).difference(always);
  const objects = [...always].map(noteObject);
  const builtinObjects = [...builtins].map(noteObject);
  const before = noteProcessState();
  const traits = describeProcess();
  let begunCount = 0;
  createHook({
    init(_id, type) {
      if (!PASSING_RESOURCES.has(type)) begunCount += 1;
    },
    trackPromises: false,
  }).enable();
  return {
    startFile() {
      begunCount = 0;
    },
    hasChanged: (hasBuiltins) =>
      hasProcessChanged(before, traits) || objects.some(hasObjectChanged) || (hasBuiltins && builtinObjects.some(hasObjectChanged)),
    begunCount: () => begunCount,
  };
}

function hasProcessChanged(before: ProcessState, traits: string): boolean {
  const changes: ProcessChanges = findProcessChanges(before);
  return describeProcess() !== traits || Object.values(changes).some((texts: readonly string[]) => texts.length > 0);
}

/** What the process has no plain property for. */
function describeProcess(): string {
  const listeners = process.eventNames().map((name) => `${String(name)}:${process.listenerCount(name)}`);
  return JSON.stringify([process.exitCode, process.title, process.hasUncaughtExceptionCaptureCallback(), listeners]);
}

/** These and what they hold, with its prototypes. */
function findSharedObjects(candidates: readonly unknown[]): Set<object> {
  const holders = candidates.filter(isObject);
  const found = new Set<object>(holders);
  for (const holder of holders) {
    for (const { value } of Object.values<PropertyDescriptor>(Object.getOwnPropertyDescriptors(holder))) {
      if (!isObject(value)) continue;
      found.add(value);
      const prototype: unknown = Reflect.getOwnPropertyDescriptor(value, 'prototype')?.value;
      if (isObject(prototype)) found.add(prototype);
    }
  }
  return found;
}

/** Objects of the language that no global names. */
function hiddenIntrinsics(): unknown[] {
  const ofIterators = [[].values(), new Map().values(), new Set().values(), ''[Symbol.iterator](), ''.matchAll(/x/g)].map(prototypeOf);
  const generators = [function* () {}, async function* () {}, async () => {}].map(prototypeOf);
  const typedArray = prototypeOf(Uint8Array) as { readonly prototype: object };
  return [...ofIterators, ...ofIterators.slice(0, 1).map(prototypeOf), ...generators, typedArray, typedArray.prototype];
}

function prototypeOf(value: unknown): object | null {
  return Object.getPrototypeOf(value) as object | null;
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

function noteObject(target: object): ObjectState {
  const properties = new Map<PropertyKey, PropertyDescriptor>();
  for (const key of Reflect.ownKeys(target)) {
    const descriptor = Reflect.getOwnPropertyDescriptor(target, key);
    if (descriptor !== undefined) properties.set(key, descriptor);
  }
  return { target, prototype: prototypeOf(target), properties };
}

function hasObjectChanged({ target, prototype, properties }: ObjectState): boolean {
  const keys = Reflect.ownKeys(target);
  return (
    keys.length !== properties.size ||
    prototypeOf(target) !== prototype ||
    keys.some((key) => hasPropertyChanged(target, key, properties.get(key)))
  );
}

function hasPropertyChanged(target: object, key: PropertyKey, known: PropertyDescriptor | undefined): boolean {
  if (known === undefined) return true;
  if (known.get === undefined && known.set === undefined) return !Object.is(Reflect.get(target, key), known.value);
  const now = Reflect.getOwnPropertyDescriptor(target, key);
  return now?.get !== known.get || now?.set !== known.set;
}
