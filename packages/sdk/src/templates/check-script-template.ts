import { DefinitionError } from '../errors.ts';

/**
 * Refuses a shell script whose template puts something between single quotes: the shell would not see the variable that the value comes in. Looks at each line by
 * itself, so that an apostrophe in a text or comment further up means nothing.
 * @throws DefinitionError quoting the template
 */
export function checkScriptTemplate(where: string, script: string): void {
  for (const line of script.split('\n')) {
    const quoted = findQuotedTemplate(line);
    if (quoted === undefined) continue;
    throw new DefinitionError(
      where,
      `command has ${quoted} between single quotes, where no value can be put in; use double quotes: "${quoted}"`,
    );
  }
}

function findQuotedTemplate(line: string): string | undefined {
  for (const { 0: template, index } of line.matchAll(/\{\{.*?\}\}/g)) {
    if (isInSingleQuotes(line.slice(0, index)) && line.slice(index + template.length).includes("'")) return template;
  }
  return undefined;
}

/** What stands in templates themselves is no part of the script. */
function isInSingleQuotes(before: string): boolean {
  let quote = '';
  for (const [character] of before.replaceAll(/\{\{.*?\}\}/g, '').matchAll(/\\.|["']/g)) {
    if (character.startsWith('\\')) continue;
    if (quote === '') quote = character;
    else if (quote === character) quote = '';
  }
  return quote === "'";
}
