import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { createTestFolder } from '../testing/test-folder.ts';
import { createProject } from './create-project.ts';
import type { ProjectPackage } from './project-package.ts';

const repository = path.resolve(import.meta.dirname, '../../../../..');

describe('createProject', () => {
  test('writes every file of the template under its own name', async () => {
    using folder = createTestFolder();
    await createProject(path.join(folder.path, 'My.Project'));
    const files = readdirSync(path.join(folder.path, 'My.Project'), { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    );
    expect(
      files.map(({ parentPath, name }) => path.relative(path.join(folder.path, 'My.Project'), path.join(parentPath, name))).toSorted(),
    ).toEqual(['.gitignore', 'README.md', 'bootstrap.mjs', 'dags/hello.ts', 'package.json', 'test/hello.test.ts', 'tsconfig.json']);
    expect(readFileSync(path.join(folder.path, 'My.Project/README.md'), 'utf8')).toMatch(/^# My\.Project\n/);
  });

  test('links a project that comes from a clone to the clone, wherever it is', async () => {
    using folder = createTestFolder();
    const project = path.join(folder.path, 'deep/down/project');
    await createProject(project);
    const { name, dependencies } = JSON.parse(readFileSync(path.join(project, 'package.json'), 'utf8')) as ProjectPackage;
    expect(name).toBe('project');
    for (const [dependency, target] of Object.entries({ '@tradewind/core': 'packages/core', '@tradewind/sdk': 'packages/sdk' })) {
      const linked = dependencies[dependency]?.replace(/^file:/, '') ?? '';
      expect(path.resolve(project, linked)).toBe(path.join(repository, target));
    }
  });

  test('takes an empty folder', async () => {
    using folder = createTestFolder();
    mkdirSync(path.join(folder.path, 'empty'));
    await createProject(path.join(folder.path, 'empty'));
    expect(existsSync(path.join(folder.path, 'empty/package.json'))).toBe(true);
  });

  test('refuses a folder that holds something, and writes nothing', async () => {
    using folder = createTestFolder({ 'full/notes.txt': 'mine' });
    await expect(createProject(path.join(folder.path, 'full'))).rejects.toMatchObject({
      code: 'already_exists',
      message: `${path.join(folder.path, 'full')} is not empty (it holds notes.txt); choose another name`,
    });
    expect(readdirSync(path.join(folder.path, 'full'))).toEqual(['notes.txt']);
  });

  test('refuses a file of that name', async () => {
    using folder = createTestFolder({ taken: '' });
    await expect(createProject(path.join(folder.path, 'taken'))).rejects.toMatchObject({ code: 'already_exists' });
  });

  test.each(['.hidden', '_private', 'two words', 'node_modules', 'ünder', 'x'.repeat(101)])('refuses the name %j', async (name) => {
    using folder = createTestFolder();
    await expect(createProject(path.join(folder.path, name))).rejects.toMatchObject({ code: 'usage' });
    expect(readdirSync(folder.path)).toEqual([]);
  });
});
