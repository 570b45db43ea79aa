import { Option, type Command } from 'commander';
import { action, onEnvironment, withOutput, type OnEnd } from './declare.ts';
import { readSeconds } from './option-values.ts';

const BROKER_HELP = `
The broker is in memory, for development: what was published and not yet
received when the fleet ends is gone. An event that was not published yet waits
in its environment's database and is published by the next start.`;

/** The commands that make, run and look after environments. */
export function declareEnvironmentCommands(program: Command, onEnd: OnEnd): void {
  declareRunning(program, onEnd);
  declareCaring(program, onEnd);
}

function declareRunning(program: Command, onEnd: OnEnd): void {
  program
    .command('init')
    .description('make a new project: one environment, an example dag and its test')
    .argument('<folder>')
    .option('--build-start', 'install and start it, too')
    .option('--verbose', 'say everything about errors')
    .action(action(onEnd, async () => (await import('../commands/init-project.ts')).initProject));
  onEnvironment(program.command('dev'))
    .description('run an environment while you write its dags: says what each save changed, or what is wrong with it')
    .action(action(onEnd, async () => (await import('../commands/dev.ts')).dev));
  onEnvironment(program.command('standalone'))
    .description('run an environment: everything in one process, with its log on standard error')
    .addOption(new Option('--json-activity').hideHelp())
    .action(action(onEnd, async () => (await import('../commands/standalone.ts')).standalone));
  const fleet = program.command('fleet').description('run several environments on this machine');
  fleet
    .command('up')
    .description('run the environments of fleet.json with a broker between them, and show what happens')
    .option('--folder <folder>', 'folder of fleet.json (default: the nearest one)')
    .option('--once', 'end when the run that fleet.json waits for has ended')
    .option('--timeout <seconds>', 'with --once: give up after this long', readSeconds, 60)
    .option('--json', 'print each step as a line of JSON')
    .option('--verbose', 'say everything about errors')
    .addHelpText('after', BROKER_HELP)
    .action(action(onEnd, async () => (await import('../commands/fleet-up.ts')).fleetUp));
}

function declareCaring(program: Command, onEnd: OnEnd): void {
  const database = program.command('db').description('look after the database of an environment');
  withOutput(database.command('migrate'))
    .description('bring its tables up to date')
    .action(action(onEnd, async () => (await import('../commands/migrate-database.ts')).migrateDatabase));
  withOutput(database.command('check'))
    .description('say whether it answers and its tables are up to date')
    .action(action(onEnd, async () => (await import('../commands/check-database.ts')).checkDatabase));
  withOutput(program.command('info'))
    .description('show what is known about this program and an environment')
    .action(action(onEnd, async () => (await import('../commands/show-info.ts')).showInfo));
  program
    .command('version')
    .description('print the version')
    .action(action(onEnd, async () => (await import('../commands/show-version.ts')).showVersion));
}
