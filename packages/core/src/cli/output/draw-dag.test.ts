import type { SerializedDag, SerializedTask } from '@tradewind/protocol';
import { expect, test } from 'vitest';
import { drawDag } from './draw-dag.ts';

const task = (taskId: string, upstream: readonly string[] = [], more: Partial<SerializedTask> = {}) =>
  ({ taskId, upstream, ...more }) as SerializedTask;
const dag = (tasks: readonly SerializedTask[], more: Partial<SerializedDag> = {}) => ({ dagId: 'orders', tasks, ...more }) as SerializedDag;

const DIAMOND = dag([
  task('extract'),
  task('left', ['extract']),
  task('right', ['extract']),
  task('load', ['left', 'right']),
  task('report', ['load']),
]);

test('as text each task stands below one that it comes after, and what follows it once', () => {
  expect(drawDag(DIAMOND, 'text')).toBe(['extract', '└─ left', '   └─ load', '      └─ report', '└─ right', '   └─ load …', ''].join('\n'));
});

test('as DOT groups are clusters, and names cannot end a text', () => {
  const grouped = dag([task('a', [], { displayName: 'say "a"' }), task('g.b', ['a'], { groupId: 'g' })], { groups: [{ groupId: 'g' }] });
  const drawn = drawDag(grouped, 'dot');
  expect(drawn).toContain('digraph "orders" {');
  expect(drawn).toContain('"a" [label="say \\"a\\""];');
  expect(drawn).toMatch(/subgraph "cluster_g" \{\n {2}label="g";\n {2}"g\.b" \[label="g\.b"\];\n {2}\}/);
  expect(drawn).toContain('"a" -> "g.b";');
});

test('as Mermaid nodes are numbered and labelled', () => {
  expect(drawDag(dag([task('a', [], { displayName: '<b> & "c"' }), task('d', ['a'])]), 'mermaid')).toBe(
    'flowchart LR\n  t0["&lt;b&gt; &amp; &quot;c&quot;"]\n  t1["d"]\n  t0 --> t1\n',
  );
});

test.each(['text', 'dot', 'mermaid'] as const)('a chain of 10,000 tasks is drawn as %s', (drawing) => {
  const chain = Array.from({ length: 10_000 }, (_, index) => task(`t${index}`, index === 0 ? [] : [`t${index - 1}`]));
  expect(drawDag(dag(chain), drawing)).toContain('t9999');
});
