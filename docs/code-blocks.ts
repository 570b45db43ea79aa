/** A block of code on a page of documentation. */
export interface CodeBlock {
  /** `sh`, `ts`, `output`, … */
  readonly language: string;
  /** Words after the language: `file=dags/orders.ts`, `background`. */
  readonly info: readonly string[];
  readonly text: string;
  /** Where it begins, from 1. */
  readonly line: number;
}

/** The fenced blocks of a page, in order. */
export function codeBlocks(markdown: string): CodeBlock[] {
  const blocks: CodeBlock[] = [];
  const lines = markdown.split('\n');
  for (let index = 0; index < lines.length; index += 1) {
    const opening = /^```(\w+)(.*)$/.exec(lines[index] ?? '');
    if (opening === null) continue;
    const end = lines.indexOf('```', index + 1);
    if (end === -1) throw new Error(`the block that begins in line ${index + 1} has no end`);
    blocks.push({
      language: opening[1] ?? '',
      info: (opening[2] ?? '').trim().split(/\s+/).filter(Boolean),
      text: lines.slice(index + 1, end).join('\n'),
      line: index + 1,
    });
    index = end;
  }
  return blocks;
}
