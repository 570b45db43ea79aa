import { Option, type Command } from 'commander';
import { OUTPUT_FORMATS, type OutputFormat } from '../output/output-format.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';

/** What every command that works on an environment takes. */
export interface EnvironmentOptions {
  readonly folder?: string;
  readonly verbose?: boolean;
}

/** What every command that prints rows takes. */
export interface OutputOptions extends EnvironmentOptions {
  readonly output: OutputFormat;
}

/** Hears what a command ends with. */
export type OnEnd = (exitCode: ExitCode) => void;

/** A command's own work; nothing returned is `EXIT.ok`. */
type Run<Args extends readonly unknown[]> = (...args: Args) => Promise<ExitCode | undefined>;

/** The action of a command: loads what does the work, runs it, and tells how it ended. */
export function action<Args extends readonly unknown[]>(onEnd: OnEnd, load: () => Promise<Run<Args>>): (...args: Args) => Promise<void> {
  return async (...args) => {
    const run = await load();
    onEnd((await run(...args)) ?? EXIT.ok);
  };
}

/** Adds what a command on an environment takes. */
export function onEnvironment(command: Command): Command {
  return command
    .option('--folder <folder>', 'folder of the environment (default: the nearest one)')
    .option('--verbose', 'say everything about errors');
}

/** Adds what a command takes that prints rows of an environment. */
export function withOutput(command: Command): Command {
  return onEnvironment(command).addOption(
    new Option('-o, --output <format>', 'how the rows are printed').choices([...OUTPUT_FORMATS]).default('table'),
  );
}
