import { Option, type Command } from 'commander';
import { action, onEnvironment, withOutput, type OnEnd } from './declare.ts';
import { readCount, readJsonObject, readSeconds } from './option-values.ts';

const RUN_STATES = ['queued', 'running', 'success', 'failed'];

/** `tradewind dags …` */
export function declareDagsCommands(program: Command, onEnd: OnEnd): void {
  const dags = program.command('dags').description('list, look at, test and run dags');
  declareReading(dags, onEnd);
  declareRunning(dags, onEnd);
}

function declareReading(dags: Command, onEnd: OnEnd): void {
  withOutput(dags.command('list'))
    .description('list the dags')
    .action(action(onEnd, async () => (await import('../commands/list-dags.ts')).listDags));
  withOutput(dags.command('show'))
    .description('show the tasks of a dag and what they wait for')
    .argument('<dag_id>')
    .action(action(onEnd, async () => (await import('../commands/show-dag.ts')).showDag));
  withOutput(dags.command('list-runs'))
    .description('list the runs of a dag, the newest first')
    .argument('<dag_id>')
    .addOption(new Option('--state <state>', 'only runs in this state').choices(RUN_STATES))
    .option('--limit <count>', 'how many at most', readCount, 100)
    .action(action(onEnd, async () => (await import('../commands/list-runs.ts')).listRuns));
  withOutput(dags.command('list-import-errors'))
    .description('list the dag files that cannot be read, and why')
    .action(action(onEnd, async () => (await import('../commands/list-import-errors.ts')).listImportErrors));
}

function declareRunning(dags: Command, onEnd: OnEnd): void {
  onEnvironment(dags.command('test'))
    .description('run a dag here and now, without server and database, and print what its tasks print')
    .argument('<dag_id>')
    .option('-c, --conf <json>', 'values of its params', readJsonObject)
    .action(action(onEnd, async () => (await import('../commands/test-dag.ts')).testDag));
  withOutput(dags.command('trigger'))
    .description('ask for a run of a dag')
    .argument('<dag_id>')
    .option('-c, --conf <json>', 'values of its params', readJsonObject)
    .option('-r, --run-id <run_id>', 'id of the run')
    .option('-l, --logical-date <instant>', 'such as 2026-11-21T00:00:00Z')
    .option('--note <text>', 'a note for whoever looks at the run')
    .option('--wait', 'wait until the run has ended; exit code 1 where it failed')
    .option('--timeout <seconds>', 'with --wait: give up after this long', readSeconds)
    .action(action(onEnd, async () => (await import('../commands/trigger-dag.ts')).triggerDag));
  withOutput(dags.command('pause'))
    .description('start no more runs of a dag')
    .argument('<dag_id>')
    .action(action(onEnd, async () => (await import('../commands/pause-dag.ts')).pauseDag));
  withOutput(dags.command('unpause'))
    .description('start runs of a dag again')
    .argument('<dag_id>')
    .action(action(onEnd, async () => (await import('../commands/pause-dag.ts')).unpauseDag));
}
