import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const run = promisify(execFile);
const root = path.resolve(import.meta.dirname, '../../../..');
const sdk = path.resolve(import.meta.dirname, '../index.ts');

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tradewind-types-'));
  symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'));
  writeFileSync(path.join(folder, 'package.json'), '{ "type": "module" }');
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('type checking a dag of 500 tasks', () => {
  const TASKS = 500;
  /**
   * What the tasks of a dag add: 316 for each were measured with TypeScript 7.0.2; beyond this an editor begins to lag. The sources of this package, which are checked
   * with the first dag and once, are another 55,000.
   */
  const BUDGET = 200_000;

  test(`adds at most ${BUDGET} instantiations`, async () => {
    const small = await countInstantiations(1);
    const large = await countInstantiations(TASKS);
    const perTask = Math.round((large - small) / (TASKS - 1));
    const figures = `${large} instantiations for ${TASKS} tasks, ${small} for one: ${perTask} for each task`;
    // Without the libraries' own there would be no figure to compare.
    expect(small, figures).toBeGreaterThan(1_000);
    expect(large, figures).toBeGreaterThan(small);
    expect(large - small, figures).toBeLessThan(BUDGET);
  });

  test('finds the one wrong type at its end', async () => {
    const broken = writeDag(3).replace(/\}\);\n$/, "  d.task('last', { inputs: { t2 }, run: ({ t2 }) => t2.cuont });\n});\n");
    await expect(typeCheck(broken)).rejects.toMatchObject({ stdout: expect.stringContaining("Did you mean 'count'?") as string });
  });

  async function countInstantiations(tasks: number): Promise<number> {
    const report = await typeCheck(writeDag(tasks));
    return Number(/^Instantiations:\s+(?<count>\d+)$/m.exec(report)?.groups?.['count']);
  }

  async function typeCheck(source: string): Promise<string> {
    writeFileSync(path.join(folder, 'dag.ts'), source);
    writeFileSync(path.join(folder, 'tsconfig.json'), JSON.stringify({ extends: path.join(root, 'tsconfig.json'), include: ['dag.ts'] }));
    const tsc = path.join(root, 'node_modules/typescript-7/bin/tsc');
    const { stdout } = await run(process.execPath, [tsc, '--noEmit', '--extendedDiagnostics', '-p', folder], { cwd: root });
    return stdout;
  }

  /** A chain in which each task’s value has a type of its own and feeds the next one. */
  function writeDag(tasks: number): string {
    const lines = Array.from({ length: tasks }, (_, index) => {
      const inputs = index === 0 ? '' : `inputs: { t${index - 1} }, `;
      const values = index === 0 ? '_' : `{ t${index - 1} }`;
      const count = index === 0 ? '1' : `t${index - 1}.count + 1`;
      return `  const t${index} = d.task('t${index}', { ${inputs}retries: 2, run: async (${values}, { params }) => ({ count: ${count}, n${index}: [params.region] }) });`;
    });
    const params = "{ params: { region: { type: 'string', enum: ['eu', 'us'], default: 'eu' } } }";
    return `import { dag } from '@tradewind/sdk';\nexport const chain = dag('chain', ${params}, (d) => {\n${lines.join('\n')}\n});\n`;
  }
});

describe('importing the sdk', () => {
  test('loads no schema library, which would cost each process more than the rest of its start', async () => {
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', LIST_IMPORTS(sdk)]);
    const loaded = stdout.trim().split('\n');
    expect(loaded).toContain(`file://${sdk}`);
    expect(loaded.filter((url) => /\/zod\/|\/protocol\/src\/schemas\//.test(url))).toEqual([]);
  });

  const LIST_IMPORTS = (file: string): string => `
    import { registerHooks } from 'node:module';
    registerHooks({ load(url, context, next) { console.log(url); return next(url, context); } });
    await import(${JSON.stringify(file)});
  `;
});
