import type { SerializedDag } from '@tradewind/protocol';
import { defineStatement, type Statement } from '../database.ts';

/** A task and the name of an asset or an alias. */
interface TaskBinding {
  readonly dagId: string;
  readonly taskId: string;
  readonly name: string;
}

/**
 * The statements that make what the tasks of these dags read and emit what the dags say: after the assets and aliases in the same transaction. Run twice:
 * the same rows.
 */
export function saveTaskAssets(dags: readonly SerializedDag[]): readonly Statement<unknown>[] {
  const dagIds = dags.map(({ dagId }) => dagId);
  const outlets = bindingsOf(dags, (task) => task.outlets);
  const inlets = bindingsOf(dags, (task) => task.inlets ?? []);
  const aliases = bindingsOf(dags, (task) => task.outletAliases ?? []);
  return [
    unbindOutlets(dagIds, outlets),
    bindOutlets(outlets),
    unbindInlets(dagIds, inlets),
    bindInlets(inlets),
    unbindOutletAliases(dagIds, aliases),
    bindOutletAliases(aliases),
  ];
}

function bindingsOf(
  dags: readonly SerializedDag[],
  namesOf: (task: SerializedDag['tasks'][number]) => readonly string[],
): readonly TaskBinding[] {
  return dags.flatMap(({ dagId, tasks }) =>
    tasks.flatMap((task) => [...new Set(namesOf(task))].map((name) => ({ dagId, taskId: task.taskId, name }))),
  );
}

const OUTLETS = { table: 'task_outlet_asset', column: 'asset_id', source: 'asset' } as const;
const INLETS = { table: 'task_inlet_asset', column: 'asset_id', source: 'asset' } as const;
const OUTLET_ALIASES = { table: 'task_outlet_alias', column: 'asset_alias_id', source: 'asset_alias' } as const;

const unbindOutlets = defineUnbind(OUTLETS);
const bindOutlets = defineBind(OUTLETS);
const unbindInlets = defineUnbind(INLETS);
const bindInlets = defineBind(INLETS);
const unbindOutletAliases = defineUnbind(OUTLET_ALIASES);
const bindOutletAliases = defineBind(OUTLET_ALIASES);

type Binding = typeof OUTLETS | typeof INLETS | typeof OUTLET_ALIASES;

function defineUnbind({ table, column, source }: Binding) {
  return defineStatement<never, [dagIds: readonly string[], bindings: readonly TaskBinding[]]>(
    `unbind_${table}`,
    (d) => `
      delete from ${table}
      where dag_id in (select saved.dag_id from ${d.rows('$1', 'saved', { dag_id: 'text' })})
        and not exists (
          select 1 from ${d.rows('$2', 'given', { dag_id: 'text', task_id: 'text', name: 'text' })}
          join ${source} as source on source.name = given.name
          where given.dag_id = ${table}.dag_id and given.task_id = ${table}.task_id and source.id = ${table}.${column}
        )`,
    (dagIds, bindings) => [JSON.stringify(dagIds.map((dagId) => ({ dag_id: dagId }))), bindingRows(bindings)],
  );
}

function defineBind({ table, column, source }: Binding) {
  return defineStatement<never, [bindings: readonly TaskBinding[]]>(
    `bind_${table}`,
    (d) => `
      insert into ${table} (dag_id, task_id, ${column})
      select given.dag_id, given.task_id, source.id
      from ${d.rows('$1', 'given', { dag_id: 'text', task_id: 'text', name: 'text' })}
      join ${source} as source on source.name = given.name
      where true
      on conflict (dag_id, task_id, ${column}) do nothing`,
    (bindings) => [bindingRows(bindings)],
  );
}

function bindingRows(bindings: readonly TaskBinding[]): string {
  return JSON.stringify(bindings.map(({ dagId, taskId, name }) => ({ dag_id: dagId, task_id: taskId, name })));
}
