export { compileGraph, type GraphNode, type MappedScope, type RunGraph } from './compile-graph.ts';
export { decideRunOutcome } from './decide-run-outcome.ts';
export { decideSkips } from './decide-skips.ts';
export { countElements, expandSources, type ExpandedSources } from './expand-sources.ts';
