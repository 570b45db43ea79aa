import { compileGraph, decodeJson, type RunGraph, type SerializedDag } from '@tradewind/protocol';

/** One version of a dag, indexed for the scheduler. Immutable, and shared by all runs of the version. */
export interface DagGraph extends RunGraph {
  /** The dag file that defines it, relative to the bundle's folder. */
  readonly file: string;
}

/** Indexes a stored dag. */
export function compileDag(serialized: string, file: string): DagGraph {
  return { ...compileGraph(decodeJson(serialized) as unknown as SerializedDag), file };
}
