/** The embedded broker alone, for as long as its parent lives. */
import { startEmbeddedBroker } from '../packages/core/src/federation/embedded-broker.ts';

const broker = await startEmbeddedBroker();
process.once('disconnect', () => {
  process.exit(0);
});
process.send?.(broker.aws);
