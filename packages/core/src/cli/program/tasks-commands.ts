import type { Command } from 'commander';
import { action, withOutput, type OnEnd } from './declare.ts';
import { readCount } from './option-values.ts';

/** `tradewind tasks …` */
export function declareTasksCommands(program: Command, onEnd: OnEnd): void {
  const tasks = program.command('tasks').description('list tasks and read their logs');
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
    .action(action(onEnd, async () => (await import('../commands/print-task-log.ts')).printTaskLog));
}
