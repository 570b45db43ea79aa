/** How the graph of a dag can be drawn. */
export const DAG_DRAWINGS = ['text', 'dot', 'mermaid'] as const;
/** A way to draw the graph of a dag. */
export type DagDrawing = (typeof DAG_DRAWINGS)[number];
