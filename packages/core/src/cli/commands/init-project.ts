import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { TradewindError } from '../../platform/errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { createProject } from '../new-project/create-project.ts';

/** `tradewind init <folder>` */
export async function initProject(folder: string, { buildStart }: { readonly buildStart?: boolean }): Promise<ExitCode | undefined> {
  const target = path.resolve(folder);
  await createProject(target);
  if (buildStart === true) return installAndStart(target);
  const shown = path.relative(process.cwd(), target) || '.';
  process.stdout.write(
    `${path.basename(target)} is ready: one environment, the dag "hello" and its test.\n` +
      `${shown === '.' ? '' : `  cd ${shown}\n`}  npm start    run it, and see what each save changes\n  npm test     test the dag\n`,
  );
  return undefined;
}

/** What `npm start` does, without npm in between, which does not pass every signal on. */
async function installAndStart(folder: string): Promise<ExitCode> {
  const installed = await run(folder, ['bootstrap.mjs']);
  if (installed !== EXIT.ok) return EXIT.failed;
  return run(folder, [path.join('node_modules', '@tradewind', 'core', 'bin', 'tradewind.mjs'), 'dev']);
}

async function run(folder: string, args: readonly string[]): Promise<ExitCode> {
  const child = spawn(process.execPath, [...args], { cwd: folder, stdio: 'inherit' });
  const forward = (signal: NodeJS.Signals): boolean => child.kill(signal);
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, forward);
  try {
    const [exitCode] = (await once(child, 'exit')) as [number | null];
    return exitCode === 0 ? EXIT.ok : EXIT.failed;
  } catch (cause) {
    throw new TradewindError('internal', `${args.join(' ')} in ${folder} cannot be started: ${(cause as Error).message}`, { cause });
  } finally {
    for (const signal of signals) process.off(signal, forward);
  }
}
