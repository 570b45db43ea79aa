import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { dumpSchema, SCHEMA_FILE } from './testing/dump-schema.ts';

test('schema.sql is what the migrations make; node packages/core/src/store/testing/dump-schema.ts writes it anew', async () => {
  expect(await readFile(SCHEMA_FILE, 'utf8')).toBe(await dumpSchema());
});
