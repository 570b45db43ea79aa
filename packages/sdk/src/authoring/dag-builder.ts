import type { TriggerRule } from '@tradewind/protocol';
import type { Outlet } from './asset-lists.ts';
import type { Expand, ExpandedRefs } from './expand.ts';
import type { BranchRef, GroupRef, MappedRefs } from './group-ref.ts';
import type { MappedValues } from './mapped-values.ts';
import type {
  BranchSpec,
  DagOrId,
  GroupOptions,
  MappedGroupOptions,
  MappedTaskSpec,
  PokeResult,
  PokeValue,
  ScopeOptions,
  SensorSpec,
  ShortCircuitSpec,
  TeardownSpec,
  TriggerDagRunSpec,
} from './task-kinds.ts';
import type { SetupRef, TaskRef, TeardownRef } from './task-ref.ts';
import type { EventItself, Inputs, RunValue, TaskOptions, TaskSpec } from './task-spec.ts';
import type { TaskValue } from './task-value.ts';

/**
 * What `dag()` hands to its callback, and a group to its own: one method for each kind of thing that a dag is made of. Each throws a `DefinitionError` for
 * anything that does not hold. Of no use once the callback has returned.
 */
export interface DagBuilder<Params, Extra> {
  /**
   * Adds a task and returns its ref, to be named in the `inputs` or `after` of later ones. The types of `run`'s inputs follow from the
   * refs.
   *
   * @example
   * const rows = d.task('extract', { run: () => [1, 2, 3] });
   * const total = d.task('total', { inputs: { rows }, retries: 2, run: ({ rows }) => rows.reduce((sum, row) => sum + row, 0) });
   * d.task('load', { inputs: { total }, run: ({ total }, { log }) => log.info('loaded', { total }) });
   */
  task<
    const I extends Inputs = {},
    R = void,
    const Rule extends TriggerRule = 'all_success',
    const O extends readonly Outlet[] = readonly [],
    S = EventItself,
  >(
    taskId: string,
    spec: TaskSpec<I, R, Rule, O, Params, Extra, S>,
  ): TaskRef<RunValue<R, S>>;

  /**
   * Adds a task that runs once for each element of a list, which may be one that another task returns (dynamic mapping). Tasks below receive the values of
   * all task instances.
   *
   * @example
   * const files = d.task('files', { run: () => ['a.csv', 'b.csv'] });
   * const orders = d.mappedTask('parse', { expand: { file: files, region: ['eu', 'us'] }, run: ({ file, region }) => parse(file, region) });
   * d.task('total', { inputs: { orders }, run: ({ orders }) => orders.reduce((sum, order) => sum + order.total, 0) });
   */
  mappedTask<
    const E extends Expand,
    const I extends Inputs = {},
    R = void,
    const Rule extends TriggerRule = 'all_success',
    const O extends readonly Outlet[] = readonly [],
    S = EventItself,
  >(
    taskId: string,
    spec: MappedTaskSpec<E, I, R, Rule, O, Params, Extra, S>,
  ): TaskRef<MappedValues<RunValue<R, S>>>;

  /**
   * Adds a task that chooses which of the tasks directly below it are followed; the others are skipped, unless one that is followed leads to them.
   *
   * @example
   * const size = d.branch('size', { inputs: { total }, choices: ['big', 'small'], run: ({ total }) => (total > 10 ? 'big' : 'small') });
   * const big = d.task('load_big', { after: [size.choice('big')], run: loadBig });
   * const small = d.task('load_small', { after: [size.choice('small')], run: loadSmall });
   * d.task('report', { after: [big, small], triggerRule: 'none_failed_min_one_success', run: report });
   */
  branch<
    const Label extends string,
    const I extends Inputs = {},
    const Rule extends TriggerRule = 'all_success',
    const O extends readonly Outlet[] = readonly [],
  >(
    taskId: string,
    spec: BranchSpec<Label, I, Rule, O, Params, Extra>,
  ): BranchRef<Label>;

  /**
   * Adds a task that decides whether the run goes on below it; where it returns false, everything below is skipped.
   *
   * @example
   * const gate = d.shortCircuit('new_rows', { inputs: { rows }, run: ({ rows }) => rows.length > 0 });
   * d.task('load', { after: [gate], inputs: { rows }, run: ({ rows }) => load(rows) });
   */
  shortCircuit<
    const I extends Inputs = {},
    const Rule extends TriggerRule = 'all_success',
    const O extends readonly Outlet[] = readonly [],
  >(
    taskId: string,
    spec: ShortCircuitSpec<I, Rule, O, Params, Extra>,
  ): TaskRef<boolean>;

  /**
   * Adds a task that lets only the newest scheduled run go on; in older ones what is directly below it is skipped. Manual runs always go on. The scheduler
   * does it, without a process.
   *
   * @example
   * const newest = d.latestOnly('newest', { after: [load] });
   * d.task('refresh_dashboard', { after: [newest], run: refresh });
   */
  latestOnly(taskId: string, options?: TaskOptions<Params> & { readonly triggerRule?: TriggerRule }): TaskRef<null>;

  /**
   * Adds a sensor: a task that waits until something is there.
   *
   * @example
   * const file = d.sensor('wait_file', { mode: 'reschedule', pokeInterval: { seconds: 30 }, timeout: { hours: 1 }, poke: () => existsSync('/data/orders.csv') });
   * d.task('load', { after: [file], run: () => load('/data/orders.csv') });
   */
  sensor<
    R extends PokeResult | Promise<PokeResult>,
    const I extends Inputs = {},
    const Rule extends TriggerRule = 'all_success',
    const O extends readonly Outlet[] = readonly [],
  >(
    taskId: string,
    spec: SensorSpec<I, R, Rule, O, Params, Extra>,
  ): TaskRef<TaskValue<PokeValue<Awaited<R>>>>;

  /**
   * Adds a task that makes what others work with. Clearing one of those runs it again, too.
   *
   * @example
   * const cluster = d.setup('create_cluster', { run: () => createCluster() });
   * const model = d.task('train', { inputs: { cluster }, run: ({ cluster }) => train(cluster) });
   * d.teardown('delete_cluster', { setups: [cluster], after: [model], inputs: { cluster }, run: ({ cluster }) => drop(cluster) });
   */
  setup<
    const I extends Inputs = {},
    R = void,
    const Rule extends TriggerRule = 'all_success',
    const O extends readonly Outlet[] = readonly [],
    S = EventItself,
  >(
    taskId: string,
    spec: TaskSpec<I, R, Rule, O, Params, Extra, S>,
  ): SetupRef<RunValue<R, S>>;

  /**
   * Adds a task that takes away what setups have made, however the work between them went. The run's state does not depend on it, unless `failsDagRun`.
   *
   * @example
   * d.teardown('delete_cluster', { setups: [cluster], after: [model], inputs: { cluster }, run: ({ cluster }) => drop(cluster) });
   */
  teardown<
    const Setups extends readonly SetupRef<unknown>[] = readonly [],
    const I extends Inputs = {},
    R = void,
    const O extends readonly Outlet[] = readonly [],
  >(
    taskId: string,
    spec: TeardownSpec<Setups, I, R, O, Params, Extra>,
  ): TeardownRef<TaskValue<R>>;

  /**
   * Puts tasks between setups and teardowns: the setups end before the first of them begin, the teardowns begin when the last of them have ended. Returns
   * what the callback returns.
   *
   * @example
   * const cluster = d.setup('create_cluster', { run: createCluster });
   * const drop = d.teardown('delete_cluster', { setups: [cluster], inputs: { cluster }, run: ({ cluster }) => dropCluster(cluster) });
   * d.scope({ teardowns: [drop] }, (s) => {
   *   s.task('train', { inputs: { cluster }, run: ({ cluster }) => train(cluster) });
   * });
   */
  scope<Refs>(between: ScopeOptions, define: (s: DagBuilder<Params, Extra>) => Refs): Refs;

  /**
   * Adds a group of tasks: their ids begin with its id, and it can be named in `after` like a task.
   *
   * @example
   * const report = d.group('report', { after: [load] }, (g) => {
   *   const sums = g.task('sums', { run: () => [1, 2] }); // report.sums
   *   return { sent: g.task('send', { inputs: { sums }, run: ({ sums }) => send(sums) }) };
   * });
   * d.task('done', { after: [report], inputs: { sent: report.refs.sent }, run: ({ sent }) => sent });
   */
  group<Refs>(groupId: string, define: (g: DagBuilder<Params, Extra>) => Refs): GroupRef<Refs>;
  group<Refs>(groupId: string, options: GroupOptions, define: (g: DagBuilder<Params, Extra>) => Refs): GroupRef<Refs>;

  /**
   * Adds a group that runs once for each element of a list: each index from its first task to its last, whatever the others do. The second argument of the
   * callback is what one index is given, to be named in the inputs of tasks inside. Tasks outside see the values of all indices.
   *
   * @example
   * const perRegion = d.mappedGroup('per_region', { expand: { region: ['eu', 'us'] } }, (g, { region }) => {
   *   const rows = g.task('read', { inputs: { region }, run: ({ region }) => read(region) });
   *   return { count: g.task('count', { inputs: { rows }, run: ({ rows }) => rows.length }) };
   * });
   * d.task('total', { inputs: { counts: perRegion.refs.count }, run: ({ counts }) => counts.reduce((sum, count) => sum + count, 0) });
   */
  mappedGroup<const E extends Expand, Refs>(
    groupId: string,
    options: MappedGroupOptions<E>,
    define: (g: DagBuilder<Params, Extra>, element: ExpandedRefs<E>) => Refs,
  ): GroupRef<MappedRefs<Refs>>;

  /**
   * Adds a task that starts a run of another dag of this environment, and waits for its end without a slot where it is told to. Its value is the id of the
   * run. A dag of another environment is started by an event of an asset.
   *
   * @example
   * d.triggerDagRun('refresh', { dag: reports, conf: { region: 'eu' }, waitForCompletion: true });
   */
  triggerDagRun<const D extends DagOrId>(taskId: string, spec: TriggerDagRunSpec<D, Params>): TaskRef<string>;
}
