import { Option, type Command } from 'commander';
import { ACTIONS_ON_EXISTING, SECRET_FORMATS } from '../secret-files/formats.ts';
import { action, onEnvironment, withOutput, type OnEnd } from './declare.ts';

/** `tradewind variables …`, `tradewind connections …`, `tradewind config …` and `tradewind rotate-key` */
export function declareSecretsCommands(program: Command, onEnd: OnEnd): void {
  declareVariables(program.command('variables').description('list, set, import and export variables'), onEnd);
  declareConnections(program.command('connections').description('list, add, import and export connections'), onEnd);
  declareConfig(program.command('config').description('show the settings of an environment'), onEnd);
  withOutput(program.command('rotate-key'))
    .description('seal variables and connections with new keys, while the environment works')
    .action(action(onEnd, async () => (await import('../commands/rotate-key.ts')).rotateKey));
}

function declareVariables(variables: Command, onEnd: OnEnd): void {
  withOutput(variables.command('list'))
    .description('list the variables of the database')
    .option('--show-values', 'show the values, too; secrets stay masked')
    .action(action(onEnd, async () => (await import('../commands/list-variables.ts')).listVariables));
  onEnvironment(variables.command('get'))
    .description('print the value of a variable in the clear, as tasks get it')
    .argument('<key>')
    .option('-j, --json', 'print it as JSON')
    .option('-d, --default <value>', 'what to print where there is none')
    .action(action(onEnd, async () => (await import('../commands/get-variable.ts')).getVariable));
  onEnvironment(variables.command('set'))
    .description('create a variable or replace its value')
    .argument('<key>')
    .argument('<value>', '"-" reads it from standard input')
    .option('--description <text>', 'what it is for')
    .option('-j, --json', 'refuse a value that is not JSON')
    .action(action(onEnd, async () => (await import('../commands/set-variable.ts')).setVariable));
  onEnvironment(variables.command('delete'))
    .description('delete a variable of the database')
    .argument('<key>')
    .action(action(onEnd, async () => (await import('../commands/delete-variable.ts')).deleteVariable));
  onEnvironment(variables.command('import'))
    .description('set the variables of a file: .json, .yaml or .env')
    .argument('<file>')
    .addOption(
      new Option('-a, --action-on-existing-key <action>', 'what to do with those that exist')
        .choices([...ACTIONS_ON_EXISTING])
        .default('overwrite'),
    )
    .action(action(onEnd, async () => (await import('../commands/import-variables.ts')).importVariables));
  onEnvironment(variables.command('export'))
    .description('write every variable of the database to a file, in the clear')
    .argument('<file>', '"-" is standard output')
    .addOption(fileFormat())
    .action(action(onEnd, async () => (await import('../commands/export-variables.ts')).exportVariables));
}

function declareConnections(connections: Command, onEnd: OnEnd): void {
  withOutput(connections.command('list'))
    .description('list the connections of the database')
    .action(action(onEnd, async () => (await import('../commands/list-connections.ts')).listConnections));
  withOutput(connections.command('get'))
    .description('show a connection in the clear, as tasks get it')
    .argument('<conn_id>')
    .action(action(onEnd, async () => (await import('../commands/get-connection.ts')).getConnection));
  onEnvironment(connections.command('add'))
    .description('add a connection; "-" in place of a secret reads it from standard input')
    .argument('<conn_id>')
    .option('--conn-uri <uri>', 'as type://login:password@host:port/schema?key=value')
    .option('--conn-json <json>', 'as JSON')
    .option('--conn-type <type>', 'its type, with the parts below')
    .option('--conn-description <text>')
    .option('--conn-host <host>')
    .option('--conn-schema <schema>')
    .option('--conn-login <login>')
    .option('--conn-password <password>')
    .option('--conn-port <port>')
    .option('--conn-extra <json>')
    .action(action(onEnd, async () => (await import('../commands/add-connection.ts')).addConnection));
  onEnvironment(connections.command('delete'))
    .description('delete a connection of the database')
    .argument('<conn_id>')
    .action(action(onEnd, async () => (await import('../commands/delete-connection.ts')).deleteConnection));
  onEnvironment(connections.command('import'))
    .description('add the connections of a file: .json, .yaml or .env')
    .argument('<file>')
    .option('--overwrite', 'replace those that exist')
    .action(action(onEnd, async () => (await import('../commands/import-connections.ts')).importConnections));
  onEnvironment(connections.command('export'))
    .description('write every connection of the database to a file, in the clear')
    .argument('<file>', '"-" is standard output')
    .addOption(fileFormat())
    .addOption(new Option('--serialization-format <format>', 'how lines of .env look').choices(['uri', 'json']).default('uri'))
    .action(action(onEnd, async () => (await import('../commands/export-connections.ts')).exportConnections));
}

function declareConfig(config: Command, onEnd: OnEnd): void {
  withOutput(config.command('list'))
    .description('list the settings; those that could be secret are hidden')
    .option('--section <section>', 'only those of a section')
    .action(action(onEnd, async () => (await import('../commands/list-config.ts')).listConfig));
  onEnvironment(config.command('get-value'))
    .description('print one setting')
    .argument('<section>')
    .argument('<option>')
    .action(action(onEnd, async () => (await import('../commands/list-config.ts')).getConfigValue));
}

function fileFormat(): Option {
  return new Option('--file-format <format>', 'the format (default: as the file is named)').choices([...SECRET_FORMATS]);
}
