import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Duplex } from 'node:stream';
import {
  createFrameReader,
  encodeFrame,
  type BundleManifest,
  type CodeLocation,
  type ParseFailure,
  type ParseReply,
} from '@tradewind/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'tradewind-')));
const bundleFolder = path.join(folder, 'dags');
const versionsFolder = path.join(folder, 'bundles', 'versions');
const objectsFolder = path.join(folder, 'bundles', 'objects');

beforeAll(() => {
  for (const one of [bundleFolder, versionsFolder, objectsFolder, path.join(folder, 'node_modules')]) mkdirSync(one, { recursive: true });
  symlinkSync(path.resolve(import.meta.dirname, '../../../../node_modules/@tradewind'), path.join(folder, 'node_modules', '@tradewind'));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** Texts of files by name; those of `live` lie in the folder and differ from the version's. */
type Texts = Readonly<Record<string, string | Uint8Array>>;

function storeVersion(texts: Texts): CodeLocation {
  const files = Object.fromEntries(
    Object.entries(texts).map(([file, text]) => {
      const sha256 = createHash('sha256').update(text).digest('hex');
      writeFileSync(path.join(objectsFolder, sha256), text);
      return [file, sha256];
    }),
  );
  const bundleVersion = createHash('sha256').update(JSON.stringify(files)).digest('hex');
  const manifestFile = path.join(versionsFolder, `${bundleVersion}.json`);
  writeFileSync(manifestFile, JSON.stringify({ bundleVersion, files } satisfies BundleManifest));
  const [file = ''] = Object.keys(texts);
  return { bundleFolder, bundleVersion, manifestFile, file };
}

/** Reads the first of the files. */
async function parse(texts: Texts): Promise<ParseReply> {
  return parseVersion(storeVersion(texts));
}

async function parseVersion(code: CodeLocation): Promise<ParseReply> {
  const entry = path.join(import.meta.dirname, 'parse-dag-file.ts');
  const child = spawn(process.execPath, [entry], { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
  const control = child.stdio[3] as Duplex;
  const takeChunk = createFrameReader();
  const replies: unknown[] = [];
  control.on('data', (chunk: Buffer) => replies.push(...takeChunk(chunk)));
  control.write(encodeFrame({ code }));
  await once(child, 'close');
  expect(replies).toHaveLength(1);
  return replies[0] as ParseReply;
}

async function parseError(texts: Texts): Promise<ParseFailure> {
  const reply = await parse(texts);
  if (reply.type === 'parsed') throw new Error('the file was read');
  return reply.error;
}

const DAG = `import { dag } from '@tradewind/sdk';\nexport const a = dag('a', (d) => { d.task('one', { run: () => 1 }); });\n`;

describe('a file that can be read', () => {
  test('gives its dags and the files of the bundle that it loaded', async () => {
    const reply = await parse({
      'a.ts': `import { dag } from '@tradewind/sdk';\nimport { id } from './lib/id.ts';\nexport const a = dag(id, () => {});\nexport { a as b };\n`,
      'lib/id.ts': `export const id: string = 'from_library';\n`,
      'other.ts': 'export {};\n',
    });
    expect(reply).toMatchObject({ type: 'parsed', files: ['a.ts', 'lib/id.ts'], warnings: [] });
    expect(reply.type === 'parsed' && reply.dags).toMatchObject([{ dagId: 'from_library' }]);
  });

  test('has the text of its version, whatever has become of the live files', async () => {
    writeFileSync(path.join(bundleFolder, 'pinned.ts'), 'throw new Error("the live file was read");\n');
    const reply = await parse({
      'pinned.ts': `${DAG}import { b } from './gone.ts';\nexport { b };\n`,
      'gone.ts': `import { dag } from '@tradewind/sdk';\nexport const b = dag('b', () => {});\n`,
    });
    expect(reply.type === 'parsed' && reply.dags).toMatchObject([{ dagId: 'a' }, { dagId: 'b' }]);
  });

  test('finds itself and its neighbours where they lie', async () => {
    const text = `import { dag } from '@tradewind/sdk';\nexport const a = dag('a', { description: import.meta.dirname }, () => {});\n`;
    const reply = await parse({ 'where/a.ts': text });
    expect(reply.type === 'parsed' && reply.dags).toMatchObject([{ description: path.join(bundleFolder, 'where') }]);
  });

  test('may use CommonJS and JSON files', async () => {
    const reply = await parse({
      'mixed.ts': `import { dag } from '@tradewind/sdk';\nimport { id } from './old.cjs';\nimport more from './more.json' with { type: 'json' };\nexport const a = dag(id + more.suffix, () => {});\n`,
      'old.cjs': `module.exports.id = require('./older.cjs').id;\n`,
      'older.cjs': `exports.id = 'old';\n`,
      'more.json': '{ "suffix": "er" }',
    });
    expect(reply.type === 'parsed' && reply.dags).toMatchObject([{ dagId: 'older' }]);
  });

  test('is read to its end at once though it leaves timers behind, and what it did is told', async () => {
    const reply = await parse({
      'effects.ts': `${DAG}setInterval(() => {}, 1_000);\nprocess.chdir('/');\nprocess.env.PLANTED = 'yes';\nObject.prototype.planted = 1;\nPromise.reject(new Error('nobody listens'));\n`,
    });
    expect(reply.type === 'parsed' && reply.warnings).toEqual([
      'a promise was rejected and nobody handles it: nobody listens',
      'reading the file has an effect: the working folder is now /',
      'reading the file has an effect: the environment variable PLANTED was changed',
      'reading the file has an effect: Object.prototype.planted was changed',
      expect.stringMatching(/^reading the file has an effect: 1 × Timeout still open$/),
    ]);
  });

  test('may define no dag', async () => {
    expect(await parse({ 'library.ts': 'export const sum = (a: number, b: number): number => a + b;\n' })).toMatchObject({
      type: 'parsed',
      dags: [],
    });
  });
});

describe('a file that cannot be read names what is wrong, and where', () => {
  test.each<[string, Texts, Omit<Partial<ParseFailure>, 'message'> & { message: RegExp }]>([
    [
      'broken syntax',
      { 'a.ts': 'const a = 1;\nexport const b = ;\n' },
      { message: /Expression expected/, file: 'a.ts', line: 2, column: 18 },
    ],
    [
      'an enum',
      { 'a.ts': 'type A = 1;\n  enum Colour { Red }\n' },
      { message: /enum is not supported.*const object/, file: 'a.ts', line: 2, column: 3 },
    ],
    [
      'an enum over several lines',
      { 'a.ts': 'type A = 1;\n\n  enum Colour {\n    Red,\n  }\n' },
      { message: /enum is not supported/, file: 'a.ts', line: 3, column: 3 },
    ],
    [
      'a name declared twice',
      { 'a.ts': 'interface A { x: number }\nconst a: number = 1;\n  let b = 1, a = 2;\n' },
      { message: /'a' has already been declared/, file: 'a.ts', line: 3, column: 14 },
    ],
    [
      'a name declared twice in a library',
      { 'a.ts': `import './lib.ts';\n`, 'lib.ts': '\n\nlet a = 1;\nlet a = 2;\n' },
      { message: /'a' has already been declared/, file: 'lib.ts', line: 4, column: 5 },
    ],
    [
      'an export that is not there',
      { 'a.ts': `\nimport { two } from './lib.ts';\n`, 'lib.ts': 'export const one = 1;\n' },
      { message: /does not provide an export named 'two'/, file: 'a.ts', line: 2, column: 10 },
    ],
    [
      'a package that is not installed',
      { 'a.ts': `\nimport 'no-such-package';\n` },
      { message: /Cannot find package 'no-such-package'.*install the package/, file: 'a.ts', line: 2, column: 8 },
    ],
    [
      'a file that is not there, imported by a library',
      { 'a.ts': `import './lib/b.ts';\n`, 'lib/b.ts': `// first\nconst c = await import("./c.ts");\n` },
      { message: /Cannot find module/, file: 'lib/b.ts', line: 2, column: 24 },
    ],
    [
      'an error thrown at the top level',
      { 'a.ts': 'interface A { x: number }\nfunction fail(): never {\n  throw new RangeError("too much");\n}\nfail();\n' },
      { message: /^RangeError: too much$/, file: 'a.ts', line: 3, column: 9 },
    ],
    [
      'a definition that does not hold together',
      { 'a.ts': `import { dag } from '@tradewind/sdk';\nexport const a = dag('a', { retires: 2 }, () => {});\n` },
      { message: /dag "a".*retires/, file: 'a.ts', line: 2, column: 18 },
    ],
    ['something thrown that is no error', { 'a.ts': 'throw { code: 7 };\n' }, { message: /not an Error: \{ code: 7 \}/ }],
    ['text in another encoding', { 'a.ts': Buffer.from([0x2f, 0x2f, 0xe4, 0x0a]) }, { message: /a\.ts is not UTF-8 text/ }],
    [
      'the end of the process',
      { 'a.ts': 'process.exit(3);\n' },
      { message: /ended the process that read it \(exit code 3\)/, file: 'a.ts' },
    ],
    ['an await without end', { 'a.ts': 'await new Promise(() => {});\n' }, { message: /waits at its top level/, file: 'a.ts' }],
    [
      'an error in a callback',
      { 'a.ts': `\nsetTimeout(() => {\n  throw new Error('later');\n}, 1);\nawait new Promise((go) => setTimeout(go, 5_000));\n` },
      { message: /^later$/, file: 'a.ts', line: 3, column: 9 },
    ],
    [
      'a const used before it is there, in a circle of imports',
      { 'a.ts': `import { b } from './b.ts';\nexport const a = b;\n`, 'b.ts': `import { a } from './a.ts';\nexport const b = a;\n` },
      { message: /Cannot access 'a' before initialization/, file: 'b.ts', line: 2, column: 18 },
    ],
  ])('%s', async (_, texts, { message, ...place }) => {
    const error = await parseError(texts);
    expect(error.message).toMatch(message);
    expect(error).toMatchObject(place);
    if (place.line !== undefined) expect(error.excerpt).toContain(`> ${place.line} |`);
  });

  test('a version that was pruned', async () => {
    const code = storeVersion({ 'a.ts': DAG });
    rmSync(code.manifestFile);
    const reply = await parseVersion(code);
    expect(reply.type === 'failed' && reply.error.message).toMatch(/cannot be read from .*pruned/);
  });
});
