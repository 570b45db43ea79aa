import type { Command } from 'commander';
import { action, withOutput, type OnEnd } from './declare.ts';

/** `tradewind assets …` */
export function declareAssetsCommands(program: Command, onEnd: OnEnd): void {
  const assets = program.command('assets').description('look at assets and have them made');
  withOutput(assets.command('list'))
    .description('list the assets that dags use')
    .option('--alias', 'list the asset aliases instead')
    .action(action(onEnd, async () => (await import('../commands/assets-list.ts')).listAssets));
  withOutput(assets.command('details'))
    .description('show an asset and the dags that use it')
    .option('--name <name>', 'name of the asset')
    .option('--uri <uri>', 'uri of the asset')
    .action(action(onEnd, async () => (await import('../commands/assets-details.ts')).showAsset));
  withOutput(assets.command('materialize'))
    .description('run the dag that produces an asset')
    .option('--name <name>', 'name of the asset')
    .option('--uri <uri>', 'uri of the asset')
    .action(action(onEnd, async () => (await import('../commands/assets-materialize.ts')).materializeAsset));
}
