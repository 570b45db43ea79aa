import { cp, mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { TradewindError, messageOf } from '../../platform/errors.ts';
import { projectPackage } from './project-package.ts';

const TEMPLATE = path.resolve(import.meta.dirname, '../templates/project');
/** Of the files as they lie here: a package's own files of these names would not be published, or be taken for its own. */
const TEMPLATE_SUFFIX = '.template';
const NAME = /^[A-Za-z0-9][\w.-]{0,99}$/;
const RESERVED_NAMES = new Set(['node_modules', 'favicon.ico']);

/**
 * Makes a new project in a folder that is empty or not there yet.
 * @throws TradewindError `usage` for a name that cannot be one, `already_exists` for a folder that holds something
 */
export async function createProject(folder: string): Promise<void> {
  const name = path.basename(folder);
  checkName(name);
  await requireEmpty(folder);
  const packageJson = projectPackage(name, folder);
  try {
    await mkdir(folder, { recursive: true });
    await cp(TEMPLATE, folder, { recursive: true });
    await renameTemplates(folder, name);
    await writeFile(path.join(folder, 'package.json'), `${JSON.stringify(packageJson, null, 2)}\n`);
  } catch (cause) {
    throw new TradewindError('usage', `the project cannot be written to ${folder}: ${messageOf(cause)}`, { cause });
  }
}

function checkName(name: string): void {
  if (NAME.test(name) && !RESERVED_NAMES.has(name)) return;
  throw new TradewindError(
    'usage',
    `"${name}" cannot name a project: take letters, digits, "_", "." and "-", the first a letter or a digit, at most 100 of them`,
  );
}

async function requireEmpty(folder: string): Promise<void> {
  const content = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    const problem = error.code === 'ENOTDIR' ? 'is a file' : `cannot be read: ${error.message}`;
    throw new TradewindError('already_exists', `${folder} ${problem}; choose another name`, { cause: error });
  });
  if (content.length === 0) return;
  throw new TradewindError('already_exists', `${folder} is not empty (it holds ${content.slice(0, 3).join(', ')}); choose another name`);
}

async function renameTemplates(folder: string, projectName: string): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.name.endsWith(TEMPLATE_SUFFIX)) continue;
    const from = path.join(entry.parentPath, entry.name);
    const name = entry.name.slice(0, -TEMPLATE_SUFFIX.length);
    const to = path.join(entry.parentPath, name === 'gitignore' ? '.gitignore' : name);
    await rename(from, to);
    const text = await readFile(to, 'utf8');
    if (text.includes('{{name}}')) await writeFile(to, text.replaceAll('{{name}}', projectName));
  }
}
