/** The part of the configuration that says where dag files come from, beside the environment's own folder. */
import path from 'node:path';
import { z } from 'zod';

/** Also the name of a folder in the state folder. `dags-folder` is the environment's own. */
const name = z
  .string()
  .regex(/^[\w-][\w.-]{0,99}$/, 'takes letters, digits, "_", "." and "-", at most 100 of them, and does not begin with "."')
  .refine((given) => given !== 'dags-folder', 'is the name of the environment’s own folder of dag files; take another one');

const localBundle = z.strictObject({
  name,
  kind: z.literal('local'),
  /** Folder of the dag files, relative to the environment's. */
  folder: z.string().min(1),
});

const gitBundle = z.strictObject({
  name,
  kind: z.literal('git'),
  /** `https://…`, `ssh://…`, `git@host:path`, or a folder, relative to the environment's. */
  repository: z
    .string()
    .min(1)
    .superRefine((given, context) => {
      const problem = findRepositoryProblem(given);
      if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
    }),
  /** A branch, a tag or a commit. */
  ref: z
    .string()
    .regex(/^[\w.@/+-]{1,250}$/, 'takes the name of a branch or a tag, or a commit')
    .refine((given) => !given.startsWith('-') && !given.includes('..'), 'takes the name of a branch or a tag, or a commit')
    .default('main'),
  /** Folder of the dag files within the repository. @default all of it */
  subfolder: z
    .string()
    .refine(
      (given) => given === '' || given.split('/').every((part) => part !== '' && part !== '.' && part !== '..' && !/[\\\0]/.test(part)),
      'takes a path within the repository, such as "team/dags", without "." and ".." and strokes at its ends',
    )
    .default(''),
  /** How often the repository is asked for what is new. */
  refreshSeconds: z.number().min(1).max(86_400).default(300),
  /** Name of the variable of this process that holds a token for https. */
  tokenEnv: z
    .string()
    .regex(/^[A-Za-z_]\w*$/, 'takes the name of a variable, not the token itself')
    .optional(),
});

/** `bundles` of the configuration. */
export const bundlesSchema = z
  .array(z.discriminatedUnion('kind', [localBundle, gitBundle]))
  .superRefine((bundles, context) => {
    const names = new Set<string>();
    for (const [index, bundle] of bundles.entries()) {
      if (names.has(bundle.name))
        context.addIssue({ code: 'custom', path: [index, 'name'], message: 'is the name of another bundle, too' });
      names.add(bundle.name);
    }
  })
  .readonly()
  .default([]);

/** A bundle of dag files; paths are absolute. */
export type BundleConfig = z.infer<typeof bundlesSchema>[number];
/** A git repository with dag files. */
export type GitBundleConfig = Extract<BundleConfig, { kind: 'git' }>;

/** Makes the paths of bundles absolute. */
export function resolveBundles(bundles: readonly BundleConfig[], folder: string): readonly BundleConfig[] {
  return bundles.map((bundle) => {
    if (bundle.kind === 'local') return { ...bundle, folder: path.resolve(folder, bundle.folder) };
    return isFolder(bundle.repository) ? { ...bundle, repository: path.resolve(folder, bundle.repository) } : bundle;
  });
}

const WITH_SCHEME = /^[a-z][a-z+.-]*:/i;
/** ssh in scp's spelling: `git@host:path`. */
const SCP = /^[\w.-]+@[\w.-]+:(?!\/\/)./;

function isFolder(repository: string): boolean {
  return !WITH_SCHEME.test(repository) && !SCP.test(repository);
}

function findRepositoryProblem(repository: string): string | undefined {
  if (repository.startsWith('-') || /[\0\n\r]/.test(repository)) return 'takes the address of a repository';
  if (SCP.test(repository) || isFolder(repository)) return undefined;
  const url = URL.parse(repository);
  if (url === null || !['https:', 'http:', 'ssh:', 'file:', 'git:'].includes(url.protocol)) {
    return 'takes an address that begins with https://, ssh:// or file://, git@host:path, or a folder';
  }
  if (url.password !== '' || (url.protocol.startsWith('http') && url.username !== '')) {
    return 'takes an address without user and password: put a token into a variable and name it with tokenEnv';
  }
  return undefined;
}
