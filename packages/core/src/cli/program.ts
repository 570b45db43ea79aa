import { Command } from 'commander';
import { declareAssetsCommands } from './program/assets-commands.ts';
import { declareBackfillCommands } from './program/backfill-commands.ts';
import { declareDagsCommands } from './program/dags-commands.ts';
import { declareEnvironmentCommands } from './program/environment-commands.ts';
import { declareOperationsCommands } from './program/operations-commands.ts';
import { declareSecretsCommands } from './program/secrets-commands.ts';
import { declareTasksCommands } from './program/tasks-commands.ts';
import type { ExitCode } from './exit-codes.ts';
import { VERSION } from './version.ts';

const HELP_WIDTH = 80;
/** A text beside long names is wrapped all the same. */
const LEAST_WIDTH_OF_TEXT = 20;
const EXIT_CODES_HELP = `
Exit codes: 0 done, 1 a run failed, 2 wrong usage, 3 not found, 4 not allowed,
5 conflict (exists, running, taken), 6 timeout, 130 interrupted.
Without --folder a command works on the nearest folder, from here upwards, that
is an environment (dags folder or tradewind.json) or a fleet (fleet.json).`;

/**
 * The commands of `tradewind`.
 * @param onEnd hears what the command that ran ends with; a command that throws does not end
 */
export function createProgram(onEnd: (exitCode: ExitCode) => void): Command {
  const program = new Command('tradewind')
    .description('Workflows in TypeScript, in small environments that depend on each other only by events.')
    .version(VERSION, '--version', 'print the version')
    .addHelpText('after', EXIT_CODES_HELP);
  declareEnvironmentCommands(program, onEnd);
  declareDagsCommands(program, onEnd);
  declareTasksCommands(program, onEnd);
  declareAssetsCommands(program, onEnd);
  declareSecretsCommands(program, onEnd);
  declareBackfillCommands(program, onEnd);
  declareOperationsCommands(program, onEnd);
  for (const command of allCommands(program)) {
    command
      .exitOverride()
      .configureHelp({ helpWidth: HELP_WIDTH, minWidthToWrap: LEAST_WIDTH_OF_TEXT })
      .configureOutput({ outputError: (text, write) => write(`tradewind: ${text.replace(/^error: /, '')}`) })
      .helpOption('-h, --help', 'show this help')
      .helpCommand(false);
  }
  return program;
}

function allCommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(allCommands)];
}
