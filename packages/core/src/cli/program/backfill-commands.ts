import { Option, type Command } from 'commander';
import { DEFAULT_BACKFILL_MAX_ACTIVE_RUNS, REPROCESS_BEHAVIORS } from '../../model/backfill/backfill.ts';
import { action, withOutput, type OnEnd } from './declare.ts';
import { readCount, readIndex, readJsonObject } from './option-values.ts';

/** `tradewind backfill …` */
export function declareBackfillCommands(program: Command, onEnd: OnEnd): void {
  const backfill = program.command('backfill').description('run dags for dates of the past');
  withOutput(backfill.command('create'))
    .description('make the runs that a dag has, or would have had, between two dates')
    .requiredOption('--dag-id <dag_id>', 'the dag')
    .requiredOption('--from-date <instant>', 'the earliest logical date, such as 2026-11-01')
    .requiredOption('--to-date <instant>', 'the latest logical date')
    .option('--dag-run-conf <json>', 'values of the params of every run', readJsonObject)
    .option('--run-backwards', 'begin with the latest date')
    .option('--max-active-runs <count>', 'how many of its runs may be active at once', readCount, DEFAULT_BACKFILL_MAX_ACTIVE_RUNS)
    .addOption(
      new Option('--reprocess-behavior <behavior>', 'which dates that have a run already are run again')
        .choices([...REPROCESS_BEHAVIORS])
        .default('none'),
    )
    .option('--run-on-latest-version', 'run on the newest version of the dag (the default)')
    .option('--no-run-on-latest-version', 'run on the version that the dag, or the run, has now')
    .option('--dry-run', 'only list the dates')
    .action(action(onEnd, async () => (await import('../commands/create-backfill.ts')).createBackfill));
  withOutput(backfill.command('list'))
    .description('list the backfills of a dag, the newest first')
    .requiredOption('--dag-id <dag_id>', 'the dag')
    .option('--limit <count>', 'how many at most', readCount, 100)
    .action(action(onEnd, async () => (await import('../commands/list-backfills.ts')).listBackfills));
  withOutput(backfill.command('pause'))
    .description('make and start no more runs of a backfill')
    .argument('<backfill_id>', 'as "backfill list" shows it', readIndex)
    .action(action(onEnd, async () => (await import('../commands/change-backfill.ts')).pauseBackfill));
  withOutput(backfill.command('unpause'))
    .description('go on with a backfill')
    .argument('<backfill_id>', 'as "backfill list" shows it', readIndex)
    .action(action(onEnd, async () => (await import('../commands/change-backfill.ts')).unpauseBackfill));
  withOutput(backfill.command('cancel'))
    .description('end a backfill: runs that have not started fail, others go on')
    .argument('<backfill_id>', 'as "backfill list" shows it', readIndex)
    .action(action(onEnd, async () => (await import('../commands/change-backfill.ts')).cancelBackfill));
}
