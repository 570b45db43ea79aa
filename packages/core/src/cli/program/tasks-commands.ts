import { Option, type Command } from 'commander';
import type { LogLevel } from '@tradewind/protocol';
import { action, withOutput, type OnEnd } from './declare.ts';
import { readCount, readIndex } from './option-values.ts';

/** Protocol's LOG_LEVELS, which the help must not load all of protocol for. */
const LOG_LEVELS = ['debug', 'info', 'warning', 'error'] satisfies readonly LogLevel[];

/** `tradewind tasks …` */
export function declareTasksCommands(program: Command, onEnd: OnEnd): void {
  const tasks = program.command('tasks').description('list tasks, read their logs, clear and test them');
  withOutput(tasks.command('list'))
    .description('list the tasks of a dag')
    .argument('<dag_id>')
    .action(action(onEnd, async () => (await import('../commands/list-tasks.ts')).listTasks));
  withOutput(tasks.command('logs'))
    .description('print the log of a task in a run')
    .argument('<dag_id>')
    .argument('<task_id>')
    .argument('<run_id>')
    .option('--try <number>', 'which try (default: the last one)', readCount)
    .option('--map-index <number>', 'which task instance of a mapped task', readIndex)
    .option('--follow', 'go on printing until the try has ended')
    .option('--from <line>', 'the first line', readCount)
    .option('--to <line>', 'the last line', readCount)
    .option('--tail <count>', 'the last lines only', readCount)
    .option('--grep <text>', 'only lines that have this text, whatever the case')
    .addOption(new Option('--level <level>', 'only lines of at least this level').choices([...LOG_LEVELS]))
    .action(action(onEnd, async () => (await import('../commands/print-task-log.ts')).printTaskLog));
}
