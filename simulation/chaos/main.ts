/**
 * `npm run -s chaos -- --kills N --seed N [--database sqlite|postgres] [--restart-postgres] [--messages N]`
 *
 * Two environments as processes of their own, joined by a broker, under load (retries, maps, sensors, deferrals, assets, backfills: load.ts), while a process of theirs is
 * killed with SIGKILL at random moments: an environment or one of its children. `--restart-postgres` also ends and restarts the database server every 5 to 10 seconds. Ends with `lost N, duplicated N, stuck N`, counted from what was sent. Exit code 1 where one of them is not 0.
 */
import { parseArgs } from 'node:util';
import { createSeededRandom } from '../seeded-random.ts';
import { startFleet, type ChaosFleet } from './fleet.ts';
import { judge, type Verdict } from './verdict.ts';

const SHORTEST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 900;
/** Leases of ten seconds run out, retries wait, the broker's visibility timeout passes: all of it several times over. */
const PATIENCE_MS = 180_000;
const LOOK_EVERY_MS = 1_000;
const MESSAGES_PER_KILL = 4;

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    database: { type: 'string', default: 'sqlite' },
    messages: { type: 'string' },
  },
});
const kills = wholeNumber('--kills', values.kills);
const seed = wholeNumber('--seed', values.seed);
const messages = wholeNumber('--messages', values.messages ?? String(kills * MESSAGES_PER_KILL));
const { database } = values;
if (database !== 'sqlite' && database !== 'postgres') fail(`--database takes sqlite or postgres, not "${database}"`);

const fleet = await startFleet(database);
try {
  const killed = await trouble(fleet);
  const verdict = await settle(fleet);
  for (const problem of verdict.problems.slice(0, 20)) console.log(problem);
  console.log(
    `seed ${seed} database ${database} messages ${messages} kills ${killed.total} (${killed.environments} environments, ${killed.children} children)`,
  );
  console.log(`lost ${verdict.lost}, duplicated ${verdict.duplicated}, stuck ${verdict.stuck}`);
  process.exitCode = verdict.lost + verdict.duplicated + verdict.stuck === 0 ? 0 : 1;
} finally {
  await fleet.stop();
}

/** Sends and kills until both are done. */
async function trouble(running: ChaosFleet): Promise<{ total: number; environments: number; children: number }> {
  const random = createSeededRandom(seed);
  const sending = sendAll(running);
  const killed = { total: 0, environments: 0, children: 0 };
  while (killed.total < kills) {
    await pause(random.between(SHORTEST_PAUSE_MS, LONGEST_PAUSE_MS));
    const victim = running.kill(random);
    if (victim === undefined) continue;
    killed.total += 1;
    killed[victim] += 1;
    if (killed.total % 10 === 0) console.error(`chaos: ${killed.total} of ${kills} kills`);
  }
  await sending;
  return killed;
}

async function sendAll(running: ChaosFleet): Promise<void> {
  const spacingMs = (kills * (SHORTEST_PAUSE_MS + LONGEST_PAUSE_MS)) / 2 / messages;
  for (let number = 0; number < messages; number += 1) {
    await running.send(number);
    await pause(spacingMs);
  }
}

/** Waits until everything that was sent has come to its end, or patience has. */
async function settle(running: ChaosFleet): Promise<Verdict> {
  const until = Date.now() + PATIENCE_MS;
  for (;;) {
    const verdict = await judge(running, messages);
    if ((verdict.lost === 0 && verdict.stuck === 0) || Date.now() > until) return verdict;
    await pause(LOOK_EVERY_MS);
  }
}

function pause(delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, delayMs);
  });
}

function wholeNumber(option: string, text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  fail(`${option} takes a whole number of at least 0, not "${text}"`);
}

function fail(problem: string): never {
  console.error(`chaos: ${problem}`);
  process.exit(2);
}
