/**
 * `npm run -s bench -- NAME [--database sqlite|postgres] [--json]`
 *
 * Prints one line: `benchmark database p50Ms p95Ms p99Ms floorP50Ms ratio`, and what else the benchmark has to say. The floor is measured in the same run, so the
 * ratio means something on a noisy machine; absolute times do not.
 */
import { readProofOptions } from '../scripts/proof-options.ts';
import { burst } from './benchmarks/burst.ts';
import { chain } from './benchmarks/chain.ts';
import { coldStart } from './benchmarks/cold-start.ts';
import { deferred } from './benchmarks/deferred.ts';
import { eventToRun } from './benchmarks/event-to-run.ts';
import { fanOut } from './benchmarks/fan-out.ts';
import { history } from './benchmarks/history.ts';
import { isolated } from './benchmarks/isolated.ts';
import { manyDags } from './benchmarks/many-dags.ts';
import { map } from './benchmarks/map.ts';
import { parse } from './benchmarks/parse.ts';
import { registered } from './benchmarks/registered.ts';
import { tail } from './benchmarks/tail.ts';
import type { Benchmark } from './bench-environment.ts';

const BENCHMARKS: Readonly<Record<string, Benchmark>> = {
  chain,
  'fan-out': fanOut,
  map,
  'many-dags': manyDags,
  tail,
  history,
  registered,
  parse,
  isolated,
  'event-to-run': eventToRun,
  burst,
  'cold-start': coldStart,
  deferred,
};

const { values, positionals, oneOf, fail } = readProofOptions(
  `bench -- NAME [--database sqlite|postgres] [--json]\n\n  NAME is one of ${Object.keys(BENCHMARKS).join(', ')}`,
  { database: { type: 'string' }, json: { type: 'boolean' } },
  1,
);
const [name = ''] = positionals;
const measure = BENCHMARKS[name] ?? fail(`name one of ${Object.keys(BENCHMARKS).join(', ')}`);
const database = oneOf('database', ['sqlite', 'postgres']);

const figures = await measure(database);
const line = { benchmark: name, database, ...figures };
if (values.json === true) console.log(JSON.stringify(line));
else for (const [key, value] of Object.entries(line)) console.log(`${key.padEnd(18)}${value}`);
