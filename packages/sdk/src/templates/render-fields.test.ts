import type { JsonObject, JsonValue, TaskRequest, TaskResponse, TryContext } from '@tradewind/protocol';
import { describe, expect, test } from 'vitest';
import { renderFields } from './render-fields.ts';

const context: TryContext = {
  dagId: 'orders',
  runId: 'scheduled__1',
  taskId: 'load',
  mapIndex: -1,
  tryNumber: 2,
  maxTries: 3,
  logicalDate: '2026-03-01T06:30:00.25Z',
  dataIntervalStart: '2026-03-01T00:00:00Z',
  dataIntervalEnd: '2026-03-02T00:00:00Z',
  runAfter: '2026-03-02T00:00:00Z',
  params: { region: 'eu', limits: [1, 2] },
  triggeringEvents: [{ assetName: 'rows', timestamp: '2026-03-01T00:00:00Z', extra: { total: 3 } }],
};

const ANSWERS: Readonly<Record<string, TaskResponse>> = {
  region: { ok: true, value: 'eu-west' },
  limits: { ok: true, value: '{"rows":5}' },
  broken: { ok: true, value: '{' },
  secret: { ok: false, code: 'forbidden', message: 'task "load" may not have it' },
  warehouse: {
    ok: true,
    value: { connId: 'warehouse', connType: 'postgres', host: 'db', login: 'ada', password: 'p', port: 5432, schema: 's', extra: { a: 1 } },
  },
};

function nameOf(request: TaskRequest): string {
  if (request.kind === 'previous_success') return request.kind;
  if (request.kind === 'variable') return request.key;
  return request.kind === 'connection' ? request.connId : '';
}

async function render(template: string, changes: Partial<TryContext> = {}): Promise<unknown> {
  const { fields } = await renderAll({ text: template }, changes);
  return fields['text'];
}

function renderAll(fields: JsonObject, changes: Partial<TryContext> = {}, scriptFields: readonly string[] = []) {
  return renderFields(
    { fields, templateFields: Object.keys(fields), scriptFields },
    {
      context: { ...context, ...changes },
      task: { taskId: 'load', operator: 'bash', outlets: ['warehouse'] },
      inputs: { rows: [1, 2, 3] },
      ask: (request) =>
        Promise.resolve(
          ANSWERS[nameOf(request)] ?? {
            ok: false,
            code: 'not_found',
            message: 'there is none',
          },
        ),
    },
  );
}

describe('a template', () => {
  test.each([
    ['{{ ds }} {{ ds_nodash }}', '2026-03-01 20260301'],
    ['{{ ts }}', '2026-03-01T06:30:00.250000+00:00'],
    ['{{ ts_nodash }} {{ ts_nodash_with_tz }}', '20260301T063000 20260301T063000.250000+0000'],
    ['{{ data_interval_start }}/{{ data_interval_end | ds }}', '2026-03-01T00:00:00+00:00/2026-03-02'],
    ['{{ logical_date | date: "%H:%M" }}', '06:30'],
    [
      '{{ run_id }} {{ dag.dag_id }} {{ task.task_id }} {{ ti.try_number }} {{ dag_run.run_id }}',
      'scheduled__1 orders load 2 scheduled__1',
    ],
    ['{{ task_instance_key_str }}', 'orders__load__20260301'],
    ['{{ expanded_ti_count | json }}', 'null'],
    ['{{ params.region }} {{ params.limits | json }} {{ params.limits[1] }}', 'eu [1,2] 2'],
    ['{{ inputs.rows | size }} {% for row in inputs.rows %}<{{ row }}>{% endfor %}', '3 <1><2><3>'],
    ['{{ triggering_asset_events.rows[0].extra.total }}', '3'],
    ['{{ var.value.region }} {{ var.json.limits.rows }}', 'eu-west 5'],
    ['{{ var.value.none | default: "eu" }}', 'eu'],
    ['{% if var.value.none %}yes{% else %}no{% endif %}', 'no'],
    [
      '{{ conn.warehouse.host }}:{{ conn.warehouse.port }} {{ conn.warehouse.extra_dejson.a }} {{ conn.warehouse.conn_type }}',
      'db:5432 1 postgres',
    ],
    ['{{ ds | ds_add: 7 }} {{ ds | ds_add: -1 }}', '2026-03-08 2026-02-28'],
    ['{{ ds | ds_format: "%Y-%m-%d", "%d.%m.%y %B" }}', '01.03.26 March'],
    ['{{ data_interval_end | datetime_diff_for_humans: data_interval_start }}', '1 day after'],
    ['{{ macros.uuid | size }}', '36'],
    ['{{ params.region | raw | upcase }}', 'EU'],
    ['no template at all: $x', 'no template at all: $x'],
  ])('%s becomes %s', async (template, text) => {
    expect(await render(template)).toBe(text);
  });

  test('reads the dates of the run before that succeeded, asked for once and only where one is named', async () => {
    const asked: TaskRequest[] = [];
    const renderAsking = async (text: string, value: JsonValue): Promise<unknown> => {
      const task = { taskId: 'load', operator: 'x', outlets: [] };
      const ask = (request: TaskRequest): Promise<TaskResponse> => {
        asked.push(request);
        return Promise.resolve({ ok: true, value });
      };
      const { fields } = await renderFields(
        { fields: { a: text, b: text }, templateFields: ['a', 'b'], scriptFields: [] },
        { context, task, inputs: {}, ask },
      );
      return fields['b'];
    };
    const before = {
      dataIntervalStart: '2026-02-27T00:00:00Z',
      dataIntervalEnd: '2026-02-28T00:00:00Z',
      startDate: '2026-02-28T00:00:01.5Z',
      endDate: null,
    };
    expect(await renderAsking('{{ ds }}', before)).toBe('2026-03-01');
    expect(asked).toEqual([]);
    expect(await renderAsking('{{ prev_data_interval_start_success | ds }}/{{ prev_data_interval_end_success }}', before)).toBe(
      '2026-02-27/2026-02-28T00:00:00+00:00',
    );
    expect(asked).toEqual([{ kind: 'previous_success' }]);
    expect(await renderAsking('{{ prev_start_date_success }}|{{ prev_end_date_success }}', before)).toBe(
      '2026-02-28T00:00:01.500000+00:00|',
    );
    const first = '{% if prev_start_date_success %}again{% else %}first{% endif %} {{ prev_end_date_success | default: "never" }}';
    expect(await renderAsking(first, null)).toBe('first never');
  });

  test.each(['ds', 'ts', 'logical_date', 'data_interval_start', 'ts_nodash_with_tz'])(
    'does not find %s in a run without a logical date',
    async (name) => {
      const without = { logicalDate: null, dataIntervalStart: null, dataIntervalEnd: null };
      await expect(render(`{{ ${name} }}`, without)).rejects.toThrow(`field "text" cannot be rendered: undefined variable: ${name}`);
      expect(await render(`{{ ${name} | default: "-" }}`, without)).toBe('-');
    },
  );

  test.each([
    ['{{ nothing }}', 'undefined variable: nothing'],
    ['{{ params.nothing }}', 'undefined variable: params.nothing'],
    ['{{ var.value.none }}', 'undefined variable: var.value.none'],
    ['{{ conn.none.host }}', 'undefined variable: conn.none'],
    ['{{ ds | nothing }}', 'undefined filter: nothing'],
    ['{{ ds | ds_add: "x" }}', 'is no whole number of days'],
    ['{{ params.region | ds }}', '"eu" is no instant'],
    ['{% if', 'not closed'],
    ['{% include "/etc/passwd" %}', 'the tag include is not available'],
    ['{% render "/etc/passwd" %}', 'the tag render is not available'],
    ['{{ params.constructor }}', 'undefined variable'],
    ['{{ params.limits.map }}', 'undefined variable'],
  ])('%s is an error', async (template, message) => {
    await expect(render(template)).rejects.toThrow(message);
  });

  test('that reads what the task may not have fails as the environment says', async () => {
    await expect(render('{{ var.value.secret }}')).rejects.toMatchObject({ name: 'RequestError', reason: 'forbidden' });
    await expect(render('{{ var.value.secret | default: "x" }}')).rejects.toMatchObject({ reason: 'forbidden' });
    await expect(render('{{ var.json.broken }}')).rejects.toMatchObject({ reason: 'bad_request' });
  });

  test('is found in lists and objects, whose keys and other values stay', async () => {
    const { fields } = await renderAll({ env: { '{{ ds }}': '{{ ds }}', number: 7 }, list: ['{{ run_id }}', [true, '{{ ds }}']] });
    expect(fields).toEqual({ env: { '{{ ds }}': '2026-03-01', number: 7 }, list: ['scheduled__1', [true, '2026-03-01']] });
  });

  test('that a value brings along is text', async () => {
    expect(await render('{{ params.region }}', { params: { region: '{{ run_id }}' } })).toBe('{{ run_id }}');
  });
});

describe('a field that is no template field', () => {
  test('stays as it is, and is not shown', async () => {
    const source = {
      context,
      task: { taskId: 'load', operator: 'x', outlets: [] },
      inputs: {},
      ask: () => Promise.reject(new Error('not asked')),
    };
    const rendered = await renderFields({ fields: { a: '{{ ds }}', b: '{{ ds }}' }, templateFields: ['a'], scriptFields: [] }, source);
    expect(rendered).toEqual({ fields: { a: '2026-03-01', b: '{{ ds }}' }, shown: { a: '2026-03-01' } });
  });
});

describe('a script', () => {
  test('is handed values as variables, so that no value can become a part of it', async () => {
    const params = { region: `'; rm -rf / #"$(id)` };
    const { fields, shown } = await renderAll({ command: 'echo "{{ params.region }}" {{ params.region | raw }} {{ ds }}' }, { params }, [
      'command',
    ]);
    expect(fields).toEqual({
      command: 'echo "${TRADEWIND_VALUE_1}" ${TRADEWIND_VALUE_2} ${TRADEWIND_VALUE_3}',
      script_values: { TRADEWIND_VALUE_1: params.region, TRADEWIND_VALUE_2: params.region, TRADEWIND_VALUE_3: '2026-03-01' },
    });
    expect(shown).toEqual({ command: `echo "${params.region}" ${params.region} 2026-03-01` });
  });
});
