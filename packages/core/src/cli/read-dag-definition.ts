import type { SerializedDag } from '@tradewind/protocol';
import type { EnvironmentSession } from './session/environment-session.ts';

/**
 * Reads the definition that a dag has now, or had at a version.
 * @throws TradewindError `not_found` where the environment does not have the dag or the version
 */
export async function readDagDefinition({ ask }: EnvironmentSession, dagId: string, versionNumber?: number): Promise<SerializedDag> {
  const query = versionNumber === undefined ? '' : `?version_number=${versionNumber}`;
  const answer = await ask({ method: 'GET', path: `/api/v2/tradewind/dags/${encodeURIComponent(dagId)}/definition${query}` });
  return (answer as { readonly definition: SerializedDag }).definition;
}
