import { Option, type Command } from 'commander';
import { DAG_DRAWINGS } from './dag-drawings.ts';
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
    .description('show the tasks of a dag and what they wait for, or draw them')
    .argument('<dag_id>')
    .addOption(new Option('--draw <form>', 'draw the graph instead').choices([...DAG_DRAWINGS]))
    .option('--dag-version <number>', 'as it was at this version (default: now)', readCount)
    .action(action(onEnd, async () => (await import('../commands/show-dag.ts')).showDag));
  declareKeeping(dags, onEnd);
  withOutput(dags.command('list-runs'))
    .description('list the runs of a dag, the newest first')
    .argument('<dag_id>')
    .addOption(new Option('--state <state>', 'only runs in this state').choices(RUN_STATES))
    .option('--limit <count>', 'how many at most', readCount, 100)
    .action(action(onEnd, async () => (await import('../commands/list-runs.ts')).listRuns));
  withOutput(dags.command('next-execution'))
    .description('show when the clock starts a dag next')
    .argument('<dag_id>')
    .option('-n, --num-executions <count>', 'how many runs', readCount, 1)
    .addOption(
      new Option('--field <field>', 'only this of each run').choices([
        'logical_date',
        'data_interval_start',
        'data_interval_end',
        'run_after',
      ]),
    )
    .action(action(onEnd, async () => (await import('../commands/next-execution.ts')).nextExecution));
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

function declareKeeping(dags: Command, onEnd: OnEnd): void {
  withOutput(dags.command('details'))
    .description('show all that is known of a dag')
    .argument('<dag_id>')
    .action(action(onEnd, async () => (await import('../commands/show-dag-details.ts')).showDagDetails));
  withOutput(dags.command('versions'))
    .description('list the versions of a dag, or compare two of them')
    .argument('<dag_id>')
    .option('--compare <number>', 'what this version changed', readCount)
    .option('--since <number>', 'with --compare: compared with this one (default: the one before)', readCount)
    .action(action(onEnd, async () => (await import('../commands/list-dag-versions.ts')).listDagVersions));
  withOutput(dags.command('report'))
    .description('list the dag files with what reading them gave and cost')
    .action(action(onEnd, async () => (await import('../commands/report-dag-files.ts')).reportDagFiles));
  withOutput(dags.command('reserialize'))
    .description('read every dag file again, also where it has not changed')
    .action(action(onEnd, async () => (await import('../commands/report-dag-files.ts')).reserializeDags));
  onEnvironment(dags.command('delete'))
    .description('delete a dag with its versions and runs; where a file still defines it, it comes back, new')
    .argument('<dag_id>')
    .option('-y, --yes', 'do it without asking')
    .action(action(onEnd, async () => (await import('../commands/delete-dag.ts')).deleteDag));
}
