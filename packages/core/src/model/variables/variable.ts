import { decodeJson, type JsonObject, type JsonValue } from '@tradewind/protocol';

/** A variable. Its value is text; JSON is what a reader makes of it. */
export interface Variable {
  readonly key: string;
  readonly value: string;
  readonly description: string | null;
}

const MAX_KEY_LENGTH = 250;

/** Whether a text may be the key of a variable: 1 to 250 characters, none of them a control character. */
export function isVariableKey(text: string): boolean {
  return text.length > 0 && text.length <= MAX_KEY_LENGTH && !/\p{Cc}/u.test(text) && text.trim() === text;
}

/** The text of a value that was given as JSON: a text is itself. */
export function variableText(value: JsonValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Variables as Airflow's files have them: by key, each a value, or a value with its description. */
export function writeVariables(variables: readonly Variable[]): JsonObject {
  return Object.fromEntries(
    variables.map(({ key, value, description }) => {
      const readable = readableValue(value);
      return [key, description === null && !looksDescribed(readable) ? readable : { value: readable, description }];
    }),
  );
}

/** Reads what `writeVariables`, or Airflow's export, wrote. */
export function readVariables(entries: JsonObject): readonly Variable[] {
  return Object.entries(entries).map(([key, entry]) => {
    if (!looksDescribed(entry)) return { key, value: variableText(entry), description: null };
    const { value = null, description = null } = entry as JsonObject;
    return { key, value: variableText(value), description: typeof description === 'string' ? description : null };
  });
}

/** JSON is easier to read and change than JSON inside a text; only where it becomes the same text again. */
function readableValue(text: string): JsonValue {
  if (!/^[[{]/.test(text)) return text;
  try {
    const parsed = decodeJson(text);
    return JSON.stringify(parsed) === text ? parsed : text;
  } catch {
    return text;
  }
}

function looksDescribed(entry: JsonValue): boolean {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry) || !('value' in entry)) return false;
  return Object.keys(entry).every((name) => name === 'value' || name === 'description');
}
