import { stripVTControlCharacters } from 'node:util';
import type { SerializedDag, SerializedTask } from '@tradewind/protocol';
import type { DagDrawing } from '../program/dag-drawings.ts';

/** Draws the graph of a dag: as indented text, for Graphviz, or for Mermaid. */
export function drawDag(dag: SerializedDag, drawing: DagDrawing): string {
  switch (drawing) {
    case 'text':
      return drawText(dag);
    case 'dot':
      return drawDot(dag);
    case 'mermaid':
      return drawMermaid(dag);
  }
}

/**
 * Each task below one that it comes after, the first time with what follows it and afterwards by its name alone. A list of its own for what is still to be drawn:
 * a chain of 10,000 tasks must not be a stack of 10,000 calls.
 */
function drawText({ tasks }: SerializedDag): string {
  const downstream = new Map(tasks.map((task) => [task.taskId, [] as SerializedTask[]]));
  for (const task of tasks) for (const upstream of task.upstream) downstream.get(upstream)?.push(task);
  const drawn = new Set<string>();
  const lines: string[] = [];
  const waiting = tasks
    .filter(({ upstream }) => upstream.length === 0)
    .map((task) => ({ task, depth: 0 }))
    .toReversed();
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { task, depth } = next;
    const isAgain = drawn.has(task.taskId);
    const follows = downstream.get(task.taskId) ?? [];
    lines.push(`${indent(depth)}${task.taskId}${isAgain && follows.length > 0 ? ' …' : ''}`);
    if (isAgain) continue;
    drawn.add(task.taskId);
    for (const each of follows.toReversed()) waiting.push({ task: each, depth: depth + 1 });
  }
  return lines.map((line) => `${line}\n`).join('');
}

/** Deeper than this nobody counts the blanks. */
const DEEPEST = 30;

function indent(depth: number): string {
  if (depth === 0) return '';
  return depth <= DEEPEST ? `${'   '.repeat(depth - 1)}└─ ` : `${'   '.repeat(DEEPEST - 1)}└─ (${depth}) `;
}

function drawDot({ dagId, tasks, groups = [] }: SerializedDag): string {
  const inGroup = Map.groupBy(tasks, ({ groupId }) => groupId);
  const node = (task: SerializedTask): string => `${quoted(task.taskId)} [label=${quoted(labelOf(task))}];`;
  const cluster = (groupId: string): string[] => {
    const inner = groups.filter(({ parentId }) => parentId === groupId).flatMap((group) => cluster(group.groupId));
    const own = (inGroup.get(groupId) ?? []).map(node);
    return [`subgraph ${quoted(`cluster_${groupId}`)} {`, `label=${quoted(groupId)};`, ...own, ...inner, '}'];
  };
  const lines = [
    'rankdir=LR;',
    'node [shape=box, style=rounded];',
    ...(inGroup.get(undefined) ?? []).map(node),
    ...groups.filter(({ parentId }) => parentId === undefined).flatMap(({ groupId }) => cluster(groupId)),
    ...edgesOf(tasks).map(([from, to]) => `${quoted(from)} -> ${quoted(to)};`),
  ];
  return `digraph ${quoted(dagId)} {\n${lines.map((line) => `  ${line}\n`).join('')}}\n`;
}

/** Mermaid knows few characters in ids, so nodes are numbered and labelled. */
function drawMermaid({ tasks }: SerializedDag): string {
  const numbers = new Map(tasks.map(({ taskId }, index) => [taskId, `t${index}`]));
  const nodes = tasks.map((task) => `${numbers.get(task.taskId) ?? ''}["${escapedForMermaid(labelOf(task))}"]`);
  const edges = edgesOf(tasks).map(([from, to]) => `${numbers.get(from) ?? ''} --> ${numbers.get(to) ?? ''}`);
  return `flowchart LR\n${[...nodes, ...edges].map((line) => `  ${line}\n`).join('')}`;
}

function edgesOf(tasks: readonly SerializedTask[]): (readonly [string, string])[] {
  return tasks.flatMap((task) => task.upstream.map((from) => [from, task.taskId] as const));
}

/** Ids are harmless; a display name is whatever its author wrote. */
function labelOf({ taskId, displayName }: SerializedTask): string {
  return stripVTControlCharacters(displayName ?? taskId).replaceAll(/\p{Cc}/gu, ' ');
}

function quoted(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

function escapedForMermaid(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
