/** Shorter texts would be masked all over a log (actions/runner#326), and Airflow masks from this length on, too. */
export const MIN_SECRET_LENGTH = 5;

/**
 * Every form in which a secret is looked for: as it is, each of its lines, and as escaped for JSON (once and twice), URLs, forms, HTML, shells and
 * Python, in base64 at each of its three alignments, and in hexadecimal.
 */
export function encodingsOf(secret: string): readonly string[] {
  const wellFormed = secret.toWellFormed();
  const texts = [wellFormed, wellFormed.trim(), ...wellFormed.split(/[\r\n]+/)];
  const forms = texts.flatMap((text) => (text.length < MIN_SECRET_LENGTH ? [] : formsOf(text)));
  return [...new Set(forms.filter((form) => form.length >= MIN_SECRET_LENGTH))];
}

function formsOf(text: string): string[] {
  const json = escapeJson(text);
  const bytes = Buffer.from(text, 'utf8');
  const hex = bytes.toString('hex');
  return [
    text,
    json,
    escapeJson(json),
    asciiOnly(json),
    ...htmlForms(text),
    ...urlForms(text).flatMap((form) => [form, lowerPercents(form)]),
    ...quotedForms(text),
    ...base64Forms(bytes),
    hex,
    hex.toUpperCase(),
  ];
}

function escapeJson(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/** Python's `json.dumps` and many loggers write nothing but ASCII. */
function asciiOnly(json: string): string {
  return json.replaceAll(/[\u007f-\uffff]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function htmlForms(text: string): string[] {
  const named = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return [named, named.replaceAll('"', '&quot;'), named.replaceAll('"', '&quot;').replaceAll("'", '&#39;')].flatMap((form) => [
    form,
    form.replaceAll('&#39;', '&#x27;'),
  ]);
}

/** What `encodeURIComponent`, forms, Python's `quote` (which keeps `/`) and RFC 3986 make of it. */
function urlForms(text: string): string[] {
  const component = encodeURIComponent(text);
  const strict = component.replaceAll(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
  const form = new URLSearchParams({ v: text }).toString().slice(2);
  return [component, strict, strict.replaceAll('%2F', '/'), encodeURI(text), form, strict.replaceAll('%20', '+')];
}

function lowerPercents(text: string): string {
  return text.replaceAll(/%[0-9A-F]{2}/g, (escape) => escape.toLowerCase());
}

/** Inside single quotes of a shell, inside double quotes, as `printf %q` writes it, and as Python and JavaScript show a text in each kind of quotes. */
function quotedForms(text: string): string[] {
  const shown = escapeJson(text).replaceAll(String.raw`\"`, '"');
  return [
    text.replaceAll("'", `'\\''`),
    text.replaceAll("'", `'"'"'`),
    text.replaceAll(/["\\$`]/g, String.raw`\$&`),
    text.replaceAll(/[^\w@%+=:,./-]/g, String.raw`\$&`),
    shown,
    shown.replaceAll("'", String.raw`\'`),
    shown.replaceAll('`', '\\`'),
  ];
}

/**
 * The characters that depend on the secret alone, wherever it stands in what was encoded: three bytes become four characters, so there are three
 * ways in which it can be aligned.
 */
function base64Forms(bytes: Buffer): string[] {
  return [0, 1, 2].flatMap((offset) => {
    const encoded = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64');
    const firstCharacter = Math.ceil((offset * 8) / 6);
    const endCharacter = Math.floor(((offset + bytes.length) * 8) / 6);
    const form = encoded.slice(firstCharacter, endCharacter);
    return [form, form.replaceAll('+', '-').replaceAll('/', '_')];
  });
}
