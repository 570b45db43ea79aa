import type { Command } from 'commander';
import { action, onEnvironment, withOutput, type OnEnd } from './declare.ts';
import { readCount, readIndex, readJsonInput, readList, readJsonObject, readSlots } from './option-values.ts';

const RUN = 'id of the run, or its logical date';

/** What people do to runs and tasks, beside looking at them: commands of `dags`, `tasks` and `pools`, and `why`. */
export function declareOperationsCommands(program: Command, onEnd: OnEnd): void {
  const find = (name: string): Command => program.commands.find((command) => command.name() === name) ?? program.command(name);
  declareStates(find('dags'), find('tasks'), onEnd);
  declareTaskOperations(find('tasks'), onEnd);
  declareDatabase(find('db'), onEnd);
  declarePools(program.command('pools').description('list, set, import and export pools'), onEnd);
  withOutput(program.command('why'))
    .description('say why a task does not run: one sentence, then everything that must hold')
    .argument('<dag_id>')
    .argument('[task_id]', 'without it the dag itself')
    .argument('[run]', `${RUN} (default: the newest)`)
    .option('--run <run>', 'without a task: the run itself')
    .option('--map-index <number>', 'which task instance of a mapped task', readIndex)
    .action(action(onEnd, async () => (await import('../commands/why.ts')).why));
}

function declareStates(dags: Command, tasks: Command, onEnd: OnEnd): void {
  onEnvironment(dags.command('state'))
    .description('print the state of a run')
    .argument('<dag_id>')
    .argument('<run>', RUN)
    .action(action(onEnd, async () => (await import('../commands/print-states.ts')).printDagRunState));
  onEnvironment(tasks.command('state'))
    .description('print the state of a task in a run')
    .argument('<dag_id>')
    .argument('<task_id>')
    .argument('<run>', RUN)
    .option('--map-index <number>', 'which task instance of a mapped task', readIndex)
    .action(action(onEnd, async () => (await import('../commands/print-states.ts')).printTaskState));
  withOutput(tasks.command('states-for-dag-run'))
    .description('list the states of all tasks in a run')
    .argument('<dag_id>')
    .argument('<run>', RUN)
    .action(action(onEnd, async () => (await import('../commands/print-states.ts')).printStatesForDagRun));
  withOutput(tasks.command('failed-deps'))
    .description('list what keeps a task from being scheduled, in the words of Airflow')
    .argument('<dag_id>')
    .argument('<task_id>')
    .argument('<run>', RUN)
    .option('--map-index <number>', 'which task instance of a mapped task', readIndex)
    .action(action(onEnd, async () => (await import('../commands/print-states.ts')).printFailedDependencies));
}

function declareTaskOperations(tasks: Command, onEnd: OnEnd): void {
  withOutput(tasks.command('clear'))
    .description('clear task instances, as if they had never run, so that they run again')
    .argument('<dag_id>')
    .option('-t, --task-regex <regex>', 'only tasks whose id matches')
    .option('--run-id <run>', `only of this run: ${RUN}`)
    .option('-s, --start-date <instant>', 'only of runs from this date on')
    .option('-e, --end-date <instant>', 'only of runs up to this date')
    .option('--past', 'with --run-id: of the runs before it, too')
    .option('--future', 'with --run-id: of the runs after it, too')
    .option('-u, --upstream', 'what the tasks wait for, too')
    .option('-d, --downstream', 'what waits for the tasks, too')
    .option('-f, --only-failed', 'only what failed or could not run')
    .option('-r, --only-running', 'only what runs; it is stopped')
    .option('--latest-version', 'run again on the latest version of the dag')
    .option('--note <text>', 'a note for whoever looks at the task instances')
    .option('--dry-run', 'say what would be cleared, and change nothing')
    .option('-y, --yes', 'do not ask')
    .action(action(onEnd, async () => (await import('../commands/clear-tasks.ts')).clearTasks));
  onEnvironment(tasks.command('render'))
    .description('print what the template fields of a task became in its last try')
    .argument('<dag_id>')
    .argument('<task_id>')
    .argument('<run>', RUN)
    .option('--map-index <number>', 'which task instance of a mapped task', readIndex)
    .action(action(onEnd, async () => (await import('../commands/render-task.ts')).renderTask));
  onEnvironment(tasks.command('test'))
    .description('run one try of a task here and now, without server and database')
    .argument('<dag_id>')
    .argument('<task_id>')
    .option('-c, --conf <json>', "values of the dag's params", readJsonObject)
    .option('-i, --input <name=json>', 'a value of one of its inputs; may be repeated', readJsonInput, {})
    .action(action(onEnd, async () => (await import('../commands/test-task.ts')).testTask));
}

function declareDatabase(database: Command, onEnd: OnEnd): void {
  withOutput(database.command('clean'))
    .description('delete what was over before a time, for good: runs with all that belongs to them, and more')
    .requiredOption('--clean-before-timestamp <instant>', 'such as 2026-11-21T00:00:00Z')
    .option(
      '-t, --tables <list>',
      'only these, separated by commas: dag_run, dag_version, callback_request, deadline, job, outbox, secret_fetch',
      readList,
    )
    .option('--dag-ids <list>', 'only runs and versions of these dags', readList)
    .option('--exclude-dag-ids <list>', 'leave runs and versions of these dags', readList)
    .option('--batch-size <count>', 'rows in one transaction (default: 500)', readCount)
    .option('--dry-run', 'say how much would be deleted, and change nothing')
    .option('-y, --yes', 'do not ask')
    .action(action(onEnd, async () => (await import('../commands/clean-database.ts')).cleanDatabase));
  onEnvironment(database.command('reset'))
    .description('delete everything in the database, and make its tables anew')
    .option('-y, --yes', 'do not ask')
    .action(action(onEnd, async () => (await import('../commands/reset-database.ts')).resetDatabase));
}

function declarePools(pools: Command, onEnd: OnEnd): void {
  withOutput(pools.command('list'))
    .description('list the pools, and how full they are')
    .action(action(onEnd, async () => (await import('../commands/pools.ts')).listPools));
  withOutput(pools.command('get'))
    .description('show one pool')
    .argument('<pool>')
    .action(action(onEnd, async () => (await import('../commands/pools.ts')).getPool));
  withOutput(pools.command('set'))
    .description('make a pool, or change one')
    .argument('<pool>')
    .argument('<slots>', '-1 for no limit (after "--")', readSlots)
    .argument('<description>')
    .option('--include-deferred', 'task instances that are deferred keep their slots')
    .action(action(onEnd, async () => (await import('../commands/pools.ts')).setPool));
  onEnvironment(pools.command('delete'))
    .description('delete a pool')
    .argument('<pool>')
    .action(action(onEnd, async () => (await import('../commands/pools.ts')).deletePool));
  onEnvironment(pools.command('import'))
    .description('make or change the pools of a JSON file')
    .argument('<file>')
    .action(action(onEnd, async () => (await import('../commands/pools.ts')).importPools));
  onEnvironment(pools.command('export'))
    .description('write the pools to a JSON file')
    .argument('<file>', '"-" for standard output')
    .action(action(onEnd, async () => (await import('../commands/pools.ts')).exportPools));
}
