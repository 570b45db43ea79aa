import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { inheritVariables } from '../../platform/inherited-variables.ts';

/** A repository that a test writes to as an author would. */
export class GitRepository {
  readonly folder: string;

  /** Makes it, with a branch `main` and no commit. */
  constructor(folder: string) {
    this.folder = folder;
    mkdirSync(folder, { recursive: true });
    this.git('init', '--quiet', '--initial-branch=main');
  }

  /** Commits these files, and takes those away that are undefined. Returns the commit. */
  commit(files: Readonly<Record<string, string | undefined>>): string {
    for (const [file, content] of Object.entries(files)) {
      const absolute = path.join(this.folder, file);
      if (content === undefined) rmSync(absolute, { force: true });
      else {
        mkdirSync(path.dirname(absolute), { recursive: true });
        writeFileSync(absolute, content);
      }
    }
    this.git('add', '--all');
    this.git('commit', '--quiet', '--allow-empty', '--message', 'change');
    return this.git('rev-parse', 'HEAD');
  }

  /** Runs git here, as nobody in particular and without anybody's configuration. */
  git(...args: readonly string[]): string {
    const who = { GIT_AUTHOR_NAME: 'a', GIT_AUTHOR_EMAIL: 'a@example.com', GIT_COMMITTER_NAME: 'a', GIT_COMMITTER_EMAIL: 'a@example.com' };
    const env = inheritVariables({ GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null', ...who });
    return execFileSync('git', args, { cwd: this.folder, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
  }
}
