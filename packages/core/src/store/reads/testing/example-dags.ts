import type { SerializedDag, SerializedTask } from '@tradewind/protocol';
import { EXAMPLE_NOW, HOUR, MINUTE } from './example-time.ts';
import type { ExampleTable, Row } from './insert-rows.ts';

/** Ids of the versions. */
export const VERSION_IDS = {
  ordersVersion1: '019a0000-0000-7000-8000-000000000101',
  ordersVersion2: '019a0000-0000-7000-8000-000000000102',
  profilesVersion: '019a0000-0000-7000-8000-000000000103',
  nightlyVersion: '019a0000-0000-7000-8000-000000000104',
  goneVersion: '019a0000-0000-7000-8000-000000000105',
  brokenVersion: '019a0000-0000-7000-8000-000000000106',
} as const;

/** The dag that most tests look at: three tasks in a row, and params of every kind. */
export const EXAMPLE_ORDERS: SerializedDag = {
  schemaVersion: 1,
  dagId: 'orders',
  displayName: 'Orders',
  description: 'Loads the orders of a day',
  doc: 'Reads, sums and loads.\nAsk sales about the regions.',
  owner: 'sales',
  tags: ['etl', 'daily "hot"'],
  schedule: { kind: 'cron', expression: '0 * * * *', timezone: 'UTC' },
  catchup: false,
  isPausedUponCreation: false,
  params: {
    region: { type: 'string', enum: ['eu', 'us'], default: 'eu', description: 'Where the orders come from' },
    limit: { type: 'integer', minimum: 1, default: 10 },
    dry: { type: 'boolean', default: true },
    filters: { type: 'object', default: { open: true } },
    label: { type: 'string', default: 'plain' },
  },
  maxActiveRuns: 16,
  maxActiveTasks: 16,
  tasks: [exampleTask('extract', []), exampleTask('total', ['extract']), exampleTask('load', ['total'])],
  assets: [],
};

/** Dags that are on, paused, broken and gone, and their versions. */
export const EXAMPLE_DAGS: readonly ExampleTable[] = [
  [
    'dag_version',
    [
      dagVersion(VERSION_IDS.ordersVersion1, EXAMPLE_ORDERS),
      dagVersion(VERSION_IDS.ordersVersion2, EXAMPLE_ORDERS, 2),
      dagVersion(VERSION_IDS.profilesVersion, {
        dagId: 'profiles',
        params: { total: { type: 'integer', minimum: 0 } },
        tasks: [{ ...exampleTask('build', []), groupId: 'parts' }],
        groups: [{ groupId: 'report' }, { groupId: 'parts', parentId: 'report' }],
      }),
      dagVersion(VERSION_IDS.nightlyVersion, { dagId: 'nightly' }),
      dagVersion(VERSION_IDS.goneVersion, { dagId: 'gone' }),
      dagVersion(VERSION_IDS.brokenVersion, { dagId: 'broken' }),
    ],
  ],
  [
    'dag',
    [
      dag('orders', VERSION_IDS.ordersVersion2, {
        bundle_version: 'bundle-2',
        display_name: 'Orders',
        description: 'Loads the orders of a day',
        owner: 'sales',
        tags: JSON.stringify(EXAMPLE_ORDERS.tags),
        schedule: JSON.stringify(EXAMPLE_ORDERS.schedule),
        schedule_summary: 'every hour',
        next_run_at: EXAMPLE_NOW + 23 * MINUTE,
      }),
      dag('profiles', VERSION_IDS.profilesVersion, {
        owner: 'marketing',
        tags: '["etl"]',
        schedule: '{"kind":"asset","any":["customer_master"]}',
        schedule_summary: 'on customer_master',
      }),
      dag('nightly', VERSION_IDS.nightlyVersion, { is_paused: 1, next_run_at: EXAMPLE_NOW + 12 * HOUR }),
      dag('gone', VERSION_IDS.goneVersion, { is_stale: 1 }),
      dag('broken', VERSION_IDS.brokenVersion),
    ],
  ],
  [
    'import_error',
    [
      {
        path: 'broken.ts',
        message: "Unexpected token '}'",
        line: 7,
        column_number: 3,
        excerpt: "  6 |   d.task('a', {\n> 7 |   }}\n    |    ^",
        stack: "SyntaxError: Unexpected token '}'\n    at broken.ts:7:3",
        created_at: EXAMPLE_NOW - MINUTE,
      },
      {
        path: 'lost/other.ts',
        message: 'Cannot find package',
        line: null,
        column_number: null,
        excerpt: null,
        stack: null,
        created_at: EXAMPLE_NOW,
      },
    ],
  ],
];

function exampleTask(taskId: string, upstream: readonly string[]): SerializedTask {
  return {
    taskId,
    operator: 'function',
    inputs: Object.fromEntries(upstream.map((id) => [id, { kind: 'xcom' as const, taskId: id }])),
    upstream,
    triggerRule: 'all_success',
    retries: 2,
    retryDelayMs: 60_000,
    isolation: 'warm',
    outlets: taskId === 'load' ? ['warehouse'] : [],
  };
}

function dagVersion(id: string, dag: Pick<SerializedDag, 'dagId'> & Partial<SerializedDag>, versionNumber = 1) {
  return {
    id,
    dag_id: dag.dagId,
    version_number: versionNumber,
    content_hash: `hash-${dag.dagId}-${versionNumber}`,
    bundle_version: `bundle-${versionNumber}`,
    serialized: JSON.stringify({ ...EXAMPLE_ORDERS, params: {}, ...dag }),
    created_at: EXAMPLE_NOW - 24 * HOUR + versionNumber,
  };
}

function dag(dagId: string, dagVersionId: string, more: Row = {}) {
  return {
    dag_id: dagId,
    file: `${dagId}.ts`,
    is_paused: 0,
    is_stale: 0,
    dag_version_id: dagVersionId,
    bundle_version: 'bundle-1',
    display_name: null,
    description: null,
    owner: null,
    tags: '[]',
    schedule: '{"kind":"none"}',
    schedule_summary: null,
    catchup: 0,
    max_active_runs: 16,
    max_active_tasks: 16,
    next_run_at: null,
    parsed_at: EXAMPLE_NOW - MINUTE,
    parse_ms: 42,
    created_at: EXAMPLE_NOW - 24 * HOUR,
    ...more,
  };
}
