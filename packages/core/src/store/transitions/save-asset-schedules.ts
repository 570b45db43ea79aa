import {
  assetLeaves,
  assetScheduleOf,
  conditionOf,
  isEachEventARun,
  type AssetReference,
  type SerializedAssetSchedule,
  type SerializedDag,
} from '@tradewind/protocol';
import { defineStatement, type Statement } from '../database.ts';
import { storableText } from '../storable-text.ts';
import type { DagScheduleReferenceTable } from '../tables.ts';

/**
 * The statements that make references, aliases and queues what the schedules of these dags say. What waits in the queue of a dag stays; it is looked at anew from
 * the beginning, because the schedule may ask for something else now. Run twice: the same rows.
 */
export function saveAssetSchedules(dags: readonly SerializedDag[], now: number): readonly Statement<unknown>[] {
  const dagIds = dags.map(({ dagId }) => dagId);
  const schedules = dags.flatMap(({ dagId, schedule }) => {
    const assets = assetScheduleOf(schedule);
    return assets === undefined ? [] : [{ dagId, schedule: assets }];
  });
  const references = schedules.flatMap(({ dagId, schedule }) => referencesIn(schedule).map((reference) => ({ dagId, ...reference })));
  const aliases = [
    ...references.filter(({ kind }) => kind === 'alias').map(({ target }) => target),
    ...dags.flatMap(({ tasks }) => tasks.flatMap(({ outletAliases = [] }) => outletAliases)),
  ];
  return [
    insertAliases([...new Set(aliases)].toSorted(), now),
    unbindReferences(dagIds, references),
    bindReferences(references),
    stopCollecting(
      dagIds,
      schedules.map(({ dagId }) => dagId),
    ),
    saveQueues(schedules),
  ];
}

interface Reference {
  readonly kind: DagScheduleReferenceTable['kind'];
  readonly target: string;
}

interface ReferenceOfDag extends Reference {
  readonly dagId: string;
}

function referencesIn(schedule: SerializedAssetSchedule): readonly Reference[] {
  const references = assetLeaves(conditionOf(schedule)).filter((leaf) => typeof leaf !== 'string');
  return references.map(readReference);
}

function readReference(reference: AssetReference): Reference {
  if ('name' in reference) return { kind: 'name', target: reference.name };
  return 'uri' in reference ? { kind: 'uri', target: storableText(reference.uri) } : { kind: 'alias', target: reference.alias };
}

/** (absent) → an alias that stands for nothing yet. Run twice: the name is unique. */
const insertAliases = defineStatement<never, [names: readonly string[], now: number]>(
  'insert_asset_aliases',
  (d) => `
    insert into asset_alias (name, created_at)
    select given.name, $2 from ${d.rows('$1', 'given', { name: 'text' })}
    where true
    on conflict (name) do nothing`,
  (names, now) => [JSON.stringify(names.map((name) => ({ name }))), now],
);

const unbindReferences = defineStatement<never, [dagIds: readonly string[], references: readonly ReferenceOfDag[]]>(
  'unbind_schedule_references',
  (d) => `
    delete from dag_schedule_reference
    where dag_id in (select saved.dag_id from ${d.rows('$1', 'saved', { dag_id: 'text' })})
      and not exists (
        select 1 from ${d.rows('$2', 'given', { dag_id: 'text', kind: 'text', target: 'text' })}
        where given.dag_id = dag_schedule_reference.dag_id and given.kind = dag_schedule_reference.kind
          and given.target = dag_schedule_reference.target
      )`,
  (dagIds, references) => [idRows(dagIds), referenceRows(references)],
);

const bindReferences = defineStatement<never, [references: readonly ReferenceOfDag[]]>(
  'bind_schedule_references',
  (d) => `
    insert into dag_schedule_reference (dag_id, kind, target)
    select given.dag_id, given.kind, given.target from ${d.rows('$1', 'given', { dag_id: 'text', kind: 'text', target: 'text' })}
    where true
    on conflict (dag_id, kind, target) do nothing`,
  (references) => [referenceRows(references)],
);

/** A dag that is not scheduled on assets any more takes no events; what waits stays for the day when it is again. */
const stopCollecting = defineStatement<never, [dagIds: readonly string[], except: readonly string[]]>(
  'stop_collecting_asset_events',
  (d) => `
    update asset_queue
    set is_collecting = 0, due_at = null, revision = revision + 1
    where is_collecting = 1 and dag_id in (select saved.dag_id from ${d.rows('$1', 'saved', { dag_id: 'text' })})
      and dag_id not in (select kept.dag_id from ${d.rows('$2', 'kept', { dag_id: 'text' })})`,
  (dagIds, except) => [idRows(dagIds), idRows(except)],
);

interface ScheduleOfDag {
  readonly dagId: string;
  readonly schedule: SerializedAssetSchedule;
}

const saveQueues = defineStatement<never, [schedules: readonly ScheduleOfDag[]]>(
  'save_asset_queues',
  (d) => `
    insert into asset_queue (dag_id, is_collecting, drops_while_paused)
    select given.dag_id, given.is_collecting, given.drops_while_paused
    from ${d.rows('$1', 'given', { dag_id: 'text', is_collecting: 'bigint', drops_while_paused: 'bigint' })}
    where true
    on conflict (dag_id) do update set is_collecting = excluded.is_collecting, drops_while_paused = excluded.drops_while_paused,
      decided_position = 0, due_at = null, revision = asset_queue.revision + 1`,
  (schedules) => [
    JSON.stringify(
      schedules
        .map(({ dagId, schedule }) => ({
          dag_id: dagId,
          is_collecting: Number(!isEachEventARun(schedule)),
          drops_while_paused: Number(schedule.whilePaused === 'drop'),
        }))
        // In the order in which those who queue events lock the rows.
        .toSorted((one, other) => (one.dag_id < other.dag_id ? -1 : 1)),
    ),
  ],
);

function idRows(dagIds: readonly string[]): string {
  return JSON.stringify(dagIds.map((dagId) => ({ dag_id: dagId })));
}

function referenceRows(references: readonly ReferenceOfDag[]): string {
  return JSON.stringify(references.map(({ dagId, kind, target }) => ({ dag_id: dagId, kind, target })));
}
