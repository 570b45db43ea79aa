import type { Liquid } from 'liquidjs';
import { dateFilters } from './date-filters.ts';
import { loadLiquid } from './load-liquid.ts';

/** More text than any field has, and less than would keep a process busy. */
const MAX_TEMPLATE_LENGTH = 1_000_000;
const RENDER_LIMIT_MS = 10_000;
/** In the units of the template language, about one for each character or list item. */
const MEMORY_LIMIT = 50_000_000;
/** Tags that read other templates: there are no files here. */
const FILE_TAGS = ['include', 'render', 'layout', 'block'];

/** What becomes of a value that a template puts into its text. */
export type WriteValue = (value: unknown) => string;

/**
 * The template language: Liquid, which has no way to run code. What is not defined is an error (Airflow's `StrictUndefined`), but for `if` and for
 * `default`, which ask whether something is.
 * @param write how values become text
 */
export function createEngine(write: WriteValue = writeValue): Liquid {
  const { Liquid } = loadLiquid();
  const engine = new Liquid({
    strictVariables: true,
    strictFilters: true,
    lenientIf: true,
    ownPropertyOnly: true,
    // Templates of their own would be files; a map without any makes sure that there are none.
    templates: {},
    timezoneOffset: 0,
    locale: 'en-US',
    outputEscape: write,
    parseLimit: MAX_TEMPLATE_LENGTH,
    renderLimit: RENDER_LIMIT_MS,
    memoryLimit: MEMORY_LIMIT,
  });
  for (const [name, filter] of Object.entries(dateFilters)) engine.registerFilter(name, filter);
  // Liquid's own `raw` would put a value past `write`.
  engine.registerFilter('raw', (value: unknown) => value);
  for (const tag of FILE_TAGS) {
    engine.registerTag(tag, {
      parse() {
        throw new Error(`the tag ${tag} is not available: a template is one text`);
      },
      render: () => undefined,
    });
  }
  return engine;
}

/** Text as it is, nothing for null, anything else as JSON. */
export function writeValue(value: unknown): string {
  if (typeof value === 'string') return value;
  return value === undefined || value === null ? '' : JSON.stringify(value);
}
