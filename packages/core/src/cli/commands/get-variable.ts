import { TradewindError } from '../../platform/errors.ts';
import type { EnvironmentOptions } from '../program/declare.ts';
import { withSession } from '../session/open-session.ts';

interface GetVariableOptions extends EnvironmentOptions {
  readonly json?: boolean;
  readonly default?: string;
}

/** `tradewind variables get <key>`: the value as tasks get it, wherever it is kept. */
export async function getVariable(key: string, { folder, json, default: otherwise }: GetVariableOptions): Promise<undefined> {
  const value = await withSession(folder, async (session) => {
    try {
      const body = { kind: 'variable', name: key };
      const found = await session.ask({ method: 'POST', path: '/api/v2/tradewind/secrets/lookup', body });
      return (found as { readonly variable: string }).variable;
    } catch (error) {
      if (error instanceof TradewindError && error.code === 'not_found' && otherwise !== undefined) return otherwise;
      throw error;
    }
  });
  process.stdout.write(`${json === true ? asJson(key, value) : value}\n`);
}

function asJson(key: string, value: string): string {
  try {
    return JSON.stringify(JSON.parse(value), null, 2);
  } catch {
    throw new TradewindError('usage', `variable "${key}" is not JSON: leave out --json`);
  }
}
