/** How rows are printed: for people (cut to the width of a terminal), for programs, and for the shell (whole and aligned). */
export const OUTPUT_FORMATS = ['table', 'json', 'yaml', 'plain'] as const;
/** A way to print rows. */
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];
