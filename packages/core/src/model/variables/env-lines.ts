/** Entries as lines `NAME=value`, or the name of the first whose value has line breaks, which no line can hold. */
export type EnvLines = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly name: string };

/** Writes entries as Airflow's env files have them. */
export function writeEnvLines(entries: Readonly<Record<string, string>>): EnvLines {
  const multiLine = Object.entries(entries).find(([, value]) => /[\r\n]/.test(value));
  if (multiLine !== undefined) return { ok: false, name: multiLine[0] };
  return {
    ok: true,
    text: Object.entries(entries)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  };
}

/**
 * Reads lines `NAME=value`; empty lines and those that begin with `#` are nothing. A prefix such as `AIRFLOW_CONN_` is taken off, and the rest is then
 * in small letters.
 * @returns the number of the first line that is none
 */
export function readEnvLines(
  text: string,
  prefix: string,
): { readonly ok: true; readonly entries: Readonly<Record<string, string>> } | { readonly ok: false; readonly line: number } {
  const entries: Record<string, string> = {};
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '' || line.trimStart().startsWith('#')) continue;
    const end = line.indexOf('=');
    if (end < 1) return { ok: false, line: index + 1 };
    const name = line.slice(0, end).trim();
    entries[name.startsWith(prefix) ? name.slice(prefix.length).toLowerCase() : name] = line.slice(end + 1);
  }
  return { ok: true, entries };
}
