/** Entry of the command `tradewind`. What each command needs is imported when it runs, so that help costs nothing but the list of commands. */
import { CommanderError } from 'commander';
import { shareCompileCache } from '../platform/compile-cache.ts';
import { EXIT, exitCodeOf, type ExitCode } from './exit-codes.ts';
import { createProgram } from './program.ts';
import { describeFailure } from './report-failure.ts';

// Whoever reads our output may have had enough of it, as `head` does.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? EXIT.ok : EXIT.failed);
});

shareCompileCache();
const exitCode = await run(process.argv);
await Promise.all([process.stdout, process.stderr].map(flush));
// Whatever is left open, such as an idle connection, is no reason to stay.
process.exit(exitCode);

async function run(argv: readonly string[]): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.ok;
  const program = createProgram((code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync([...argv]);
    return exitCode;
  } catch (error) {
    // Its message is printed already; asking for help is no mistake.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    process.stderr.write(describeFailure(error, { isVerbose: argv.includes('--verbose') }));
    return exitCodeOf(error);
  }
}

function flush(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    stream.write('', () => resolve());
  });
}
