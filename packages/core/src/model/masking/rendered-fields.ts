import { MAX_RENDERED_FIELD_LENGTH, type JsonObject, type JsonValue } from '@tradewind/protocol';
import type { Masker } from './masker.ts';

/**
 * What template fields became, as people may see it: masked first and cut afterwards, because half a secret is still one (CVE-2025-68438). A field that is
 * longer than 4096 characters is kept as the beginning of its text.
 */
export function presentRenderedFields(fields: JsonObject, masker: Masker): JsonObject {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [masker.mask(name), cut(masker.maskValue(value, name) as JsonValue)]),
  );
}

function cut(value: JsonValue): JsonValue {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  if (text.length <= MAX_RENDERED_FIELD_LENGTH) return value;
  const note = `… truncated ${text.length - MAX_RENDERED_FIELD_LENGTH} characters`;
  return `${text.slice(0, MAX_RENDERED_FIELD_LENGTH).toWellFormed()}${note}`;
}
