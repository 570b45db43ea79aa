import type { OpenBuilder } from './add-group.ts';
import { checkFields } from './check-fields.ts';
import { leavesOf, rootsOf } from './group-edges.ts';
import { readSetups, readTeardowns } from './kinds/teardown.ts';
import { addEdges, type Place } from './open-dag.ts';
import { runDefine } from './run-define.ts';
import type { ScopeOptions } from './task-kinds.ts';

const SCOPE_FIELDS: Readonly<Record<keyof ScopeOptions, true>> = { setups: true, teardowns: true };

/**
 * Adds what the callback of a scope adds, with the edges that follow: setups before its first tasks, its last ones before the teardowns. Returns what the
 * callback returns.
 */
export function addScope(
  place: Place,
  { options, define }: { readonly options: unknown; readonly define: unknown },
  open: OpenBuilder,
): unknown {
  const { dag } = place;
  const where = `dag "${dag.dagId}", a scope`;
  const fields = checkFields(where, 'a scope', options, SCOPE_FIELDS);
  const teardowns = readTeardowns({ where, place }, fields.teardowns);
  const implied = teardowns.flatMap((taskId) => dag.tasks.get(taskId)?.fields.setups ?? []);
  const setups = [...new Set([...readSetups({ where, place }, fields.setups), ...implied])];
  const members = new Set<string>();
  const { builder, close } = open({ ...place, memberships: [...place.memberships, members] }, 'a scope');
  const returned = runDefine(where, 'the callback of a scope', define, [builder]);
  close();
  for (const root of rootsOf(dag, members)) addEdges(root, { upstream: setups, followedOn: new Map() });
  // Teardowns inside are leaves, too: what is outermost goes last.
  const leaves = leavesOf(dag, members);
  for (const taskId of teardowns) {
    const teardown = dag.tasks.get(taskId);
    if (teardown !== undefined) addEdges(teardown, { upstream: leaves, followedOn: new Map() });
  }
  return returned;
}
