import type { TryDecision } from '../execution.ts';
import type { RunGraph } from './compile-graph.ts';
import { reachableFrom } from './walk-graph.ts';

/**
 * The tasks that a choice skips, by place, whatever their trigger rules say: for a branch its direct downstream that is not followed, except what a followed one leads to
 * (Airflow's `skip_all_except`); for a short circuit that does not go on everything below it, or what is directly below it. Teardowns are not skipped.
 */
export function decideSkips(graph: RunGraph, index: number, decision: TryDecision): readonly number[] {
  const node = graph.nodes[index];
  if (node === undefined) return [];
  const below = (place: number): readonly number[] => graph.nodes[place]?.downstream ?? [];
  const isTeardown = (place: number): boolean => graph.nodes[place]?.task.role === 'teardown';
  if (decision.kind === 'branch') {
    const followed = node.downstream.filter((place) => isFollowed(graph, { branch: node.task.taskId, place, follow: decision.follow }));
    const kept = new Set([...followed, ...reachableFrom(followed, below)]);
    return node.downstream.filter((place) => !kept.has(place) && !isTeardown(place));
  }
  if (decision.goesOn) return [];
  const authored = node.task.decision;
  const skipsAll = authored?.kind === 'short_circuit' && authored.skips === 'all';
  const skipped = skipsAll ? [...reachableFrom([index], below)] : node.downstream;
  return skipped.filter((place) => !isTeardown(place));
}

function isFollowed(graph: RunGraph, { branch, place, follow }: { branch: string; place: number; follow: readonly string[] }): boolean {
  const labels = graph.nodes[place]?.task.followedOn?.[branch];
  return labels === undefined || labels.some((label) => follow.includes(label));
}
