import { serializedDagSchema } from '@tradewind/protocol/schemas';
import { describe, expect, test } from 'vitest';
import { GROUP_OPTION_FIELDS } from '../authoring/add-group.ts';
import { CODE_FIELDS, TASK_OPTION_FIELDS } from '../authoring/kinds/common-fields.ts';
import { BRANCH_FIELDS, LATEST_ONLY_FIELDS, SHORT_CIRCUIT_FIELDS } from '../authoring/kinds/decisions.ts';
import { MAPPED_TASK_FIELDS } from '../authoring/kinds/mapped-task.ts';
import { SENSOR_FIELDS } from '../authoring/kinds/sensor.ts';
import { TEARDOWN_FIELDS } from '../authoring/kinds/teardown.ts';
import { TRIGGER_DAG_RUN_FIELDS } from '../authoring/kinds/trigger-dag-run.ts';
import { dag, trigger, type DagBuilder, type SetupRef } from '../index.ts';

const run = (): number => 1;
const code = 'it is code, which the definition keeps beside the data';

interface Kind {
  readonly fields: Readonly<Record<string, true>>;
  /** What the kind needs at least. */
  readonly least: object;
  /** For each field of its own, a value that is not the default. */
  readonly own: Readonly<Record<string, unknown>>;
  /** Fields of its own that the data does not hold, and why. */
  readonly excluded: Readonly<Record<string, string>>;
}

const KINDS: Readonly<Record<string, (made: SetupRef<unknown>) => Kind>> = {
  mappedTask: () => ({
    fields: MAPPED_TASK_FIELDS,
    least: { run, expand: { x: [1] } },
    own: { run: () => 2, resume: run, triggers: [trigger('t', { run })], expand: { y: [1] }, mapIndexTemplate: '{{ x }}' },
    excluded: { run: code, resume: code, triggers: 'they are code, and a deferral names one' },
  }),
  branch: () => ({
    fields: BRANCH_FIELDS,
    least: { run, choices: ['a'] },
    own: { run: () => 'b', choices: ['a', 'b'] },
    excluded: { run: code },
  }),
  shortCircuit: () => ({
    fields: SHORT_CIRCUIT_FIELDS,
    least: { run },
    own: { run: () => false, ignoreDownstreamTriggerRules: false },
    excluded: { run: code },
  }),
  latestOnly: () => ({ fields: LATEST_ONLY_FIELDS, least: {}, own: { triggerRule: 'all_done' }, excluded: {} }),
  sensor: () => ({
    fields: SENSOR_FIELDS,
    least: { poke: run },
    own: {
      poke: () => true,
      mode: 'reschedule',
      pokeInterval: { seconds: 1 },
      timeout: { hours: 1 },
      onFailure: 'soft',
      exponentialBackoff: true,
      maxWait: { hours: 1 },
    },
    excluded: { poke: code },
  }),
  teardown: (made) => ({
    fields: TEARDOWN_FIELDS,
    least: { run },
    own: { run: () => 2, setups: [made], failsDagRun: true },
    excluded: { run: code },
  }),
  triggerDagRun: () => ({
    fields: TRIGGER_DAG_RUN_FIELDS,
    least: { dag: 'other' },
    own: {
      dag: 'another',
      conf: { a: 1 },
      logicalDate: '2026-01-01T00:00:00Z',
      runId: 'mine',
      note: 'by hand',
      waitForCompletion: true,
      onExisting: 'skip',
      failWhenDagIsPaused: true,
      allowedStates: ['success', 'failed'],
      failedStates: [],
      triggerRule: 'all_done',
    },
    excluded: {},
  }),
};

/** The data of a dag with one task of a kind, beside a setup; the choices of a branch are followed. */
function serialize(method: string, specOf: (kind: Kind) => object): string {
  const { serialized } = dag('d', (d) => {
    const made = d.setup('made', { run });
    const kind = KINDS[method]?.(made) ?? expect.fail(method);
    const spec = specOf(kind) as { readonly choices?: readonly string[] };
    const add = d as unknown as Readonly<Record<string, (id: string, spec: object) => { choice: (label: string) => never }>>;
    const ref = add[method]?.('t', spec);
    if (spec.choices !== undefined) d.task('below', { after: spec.choices.map((label) => ref?.choice(label) as never), run });
  });
  expect(serializedDagSchema.parse(serialized)).toEqual(serialized);
  return JSON.stringify(serialized);
}

describe.each(Object.keys(KINDS))('every field of %s', (method) => {
  const { fields, own, excluded } = KINDS[method]?.({} as SetupRef<unknown>) ?? expect.fail(method);
  const isShared = (field: string): boolean => Object.hasOwn(CODE_FIELDS, field) || Object.hasOwn(TASK_OPTION_FIELDS, field);

  test('is shared with other kinds, or stands here', () => {
    expect(Object.keys(fields).filter((field) => !isShared(field) && !Object.hasOwn(own, field))).toEqual([]);
    expect(Object.keys(own).filter((field) => !Object.hasOwn(fields, field))).toEqual([]);
  });

  test.each(Object.keys(own))('%s is in the data, or on the list of exclusions', (field) => {
    const without = serialize(method, ({ least }) => least);
    const isKept = serialize(method, ({ least, own }) => ({ ...least, [field]: own[field] })) !== without;
    expect(isKept).toBe(!Object.hasOwn(excluded, field));
  });
});

describe('every option of a group', () => {
  const options: Record<keyof typeof GROUP_OPTION_FIELDS, (d: DagBuilder<{}, never>) => unknown> = {
    displayName: () => 'Group',
    doc: () => '# Group',
    prefixGroupId: () => false,
    taskDefaults: () => ({ retries: 3 }),
    after: (d) => [d.task('start', { run })],
  };

  test.each(Object.keys(GROUP_OPTION_FIELDS) as (keyof typeof GROUP_OPTION_FIELDS)[])('%s is in the data', (field) => {
    const grouped = (isGiven: boolean): string => {
      const { serialized } = dag('d', (d) => {
        const value = options[field](d);
        d.group('g', isGiven ? { [field]: value } : {}, (g) => {
          g.task('t', { run });
        });
      });
      return JSON.stringify(serialized);
    };
    expect(grouped(true)).not.toBe(grouped(false));
  });
});
