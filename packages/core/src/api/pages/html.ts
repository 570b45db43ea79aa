/** A symbol, which no stored JSON can carry. */
const MARKUP = Symbol('markup');

/** Markup that is safe to send. Only `html` makes it, so text cannot become markup by mistake. */
export interface Html {
  readonly [MARKUP]: string;
}

/** What a template takes: markup as it is, text escaped, lists item by item, nothing for null, undefined and false. */
export type Fragment = Html | string | number | null | undefined | false | readonly Fragment[];

/**
 * Builds markup. Whatever is filled in is escaped unless it is markup itself. Attribute values stand in double quotes in the template.
 *
 * @example
 * html`<a href="${dagPath(dagId)}">${dagId}</a>`
 */
export function html(parts: TemplateStringsArray, ...values: readonly Fragment[]): Html {
  let markup = parts[0] ?? '';
  for (const [index, value] of values.entries()) markup += render(value) + (parts[index + 1] ?? '');
  return { [MARKUP]: markup };
}

/** The text of a page, to be sent. */
export function markupOf(page: Html): string {
  return page[MARKUP];
}

function render(value: Fragment): string {
  if (value === null || value === undefined || value === false) return '';
  if (typeof value === 'string') return escape(value);
  if (typeof value === 'number') return String(value);
  return MARKUP in value ? value[MARKUP] : value.map(render).join('');
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
/** Control characters, line breaks and tabs apart, and the marks that turn the direction of text around. */
// eslint-disable-next-line no-control-regex
const INVISIBLE = /[\u0000-\u0008\u000B-\u001F\u007F]|[\u202A-\u202E\u2066-\u2069]/g;
const CONTROL_PICTURES = 0x2400;
const DELETE_PICTURE = '\u2421';

function escape(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '').replaceAll(INVISIBLE, picture);
}

/** Terminal escapes and tricks with the direction of text are shown as what they are (`␛[31m`) and do nothing. */
function picture(character: string): string {
  const code = character.charCodeAt(0);
  if (code < 0x20) return String.fromCharCode(CONTROL_PICTURES + code);
  return code === 0x7f ? DELETE_PICTURE : `[U+${code.toString(16).toUpperCase()}]`;
}
