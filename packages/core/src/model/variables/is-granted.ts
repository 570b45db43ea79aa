/** What a task may ask for: what its dag declares for it, and what its environment allows every task. */
export interface FetchGrant {
  readonly declared: readonly string[];
  /** Names in which `*` stands for any characters. */
  readonly allowed: readonly string[];
}

/** Whether a task may be given the variable or connection of a name. */
export function isGranted(name: string, { declared, allowed }: FetchGrant): boolean {
  return declared.includes(name) || allowed.some((pattern) => fits(name, pattern));
}

function fits(name: string, pattern: string): boolean {
  const parts = pattern.split('*');
  const [first = '', ...rest] = parts;
  const last = rest.pop();
  if (last === undefined) return name === pattern;
  if (!name.startsWith(first)) return false;
  let position = first.length;
  for (const part of rest) {
    const found = name.indexOf(part, position);
    if (found === -1) return false;
    position = found + part.length;
  }
  return name.length - last.length >= position && name.endsWith(last);
}
