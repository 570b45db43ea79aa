import type { SerializedDag } from '@tradewind/protocol';
import { BundleScanner } from '../dag-processor/bundle-scanner.ts';
import { systemClock as clock } from '../platform/clock.ts';
import { TradewindError } from '../platform/errors.ts';
import { readDagFile } from './read-dag-files.ts';
import { describeImportError } from './output/describe-import-error.ts';
import type { EnvironmentSession } from './session/environment-session.ts';

/**
 * Reads what a dag's file defines now.
 * @throws TradewindError `not_found` where the environment does not have the dag, `bad_request` where its file cannot be read
 */
export async function readDagDefinition({ ask, config }: EnvironmentSession, dagId: string): Promise<SerializedDag> {
  const known = await ask({ method: 'GET', path: `/api/v2/dags/${encodeURIComponent(dagId)}` });
  const { relative_fileloc: file } = known as { readonly relative_fileloc: string };
  const { version } = await new BundleScanner({ bundleFolder: config.dagsFolder, stateFolder: config.stateFolder, clock }).scan();
  const read = await readDagFile(config, { ...version, file });
  if (!read.ok) {
    throw new TradewindError(
      'bad_request',
      `the file of dag "${dagId}" cannot be read: ${describeImportError(config, read.error).summary}`,
    );
  }
  const found = read.dags.find(({ dag }) => dag.dagId === dagId);
  if (found !== undefined) return found.dag;
  throw new TradewindError('not_found', `${file} in ${config.dagsFolder} does not define the dag "${dagId}" any more`);
}
