const LINES_AROUND = 2;
/** A minified line would fill the page. */
const MAX_LINE_LENGTH = 160;

/**
 * The lines around a place with their numbers, and a caret under the column.
 *
 * @example
 * sourceExcerpt('const a = 1;\nexport b', 2, 8)
 * //   1 | const a = 1;
 * // > 2 | export b
 * //     |        ^
 */
export function sourceExcerpt(text: string, line: number, column?: number): string {
  const lines = text.split(/\r?\n/);
  const first = Math.max(1, line - LINES_AROUND);
  const last = Math.min(lines.length, line + LINES_AROUND);
  const width = String(last).length;
  const excerpt: string[] = [];
  for (let number = first; number <= last; number += 1) {
    const shown = lines[number - 1] ?? '';
    excerpt.push(`${number === line ? '>' : ' '} ${String(number).padStart(width)} | ${shown.slice(0, MAX_LINE_LENGTH)}`.trimEnd());
    if (number === line && column !== undefined && column <= MAX_LINE_LENGTH) {
      // Tabs stay tabs, so that the caret stands under its column whatever their width.
      const indent = shown.slice(0, Math.max(0, column - 1)).replaceAll(/[^\t]/g, ' ');
      excerpt.push(`  ${' '.repeat(width)} | ${indent}^`);
    }
  }
  return excerpt.join('\n');
}
