/**
 * `npm run -s chaos -- --kills N --seed N [--database sqlite|postgres] [--restart-postgres] [--messages N]`
 *
 * Two environments as processes of their own, joined by a broker, under load (retries, maps, sensors, deferrals, assets, backfills: load.ts), while a process of theirs is
 * killed with SIGKILL at random moments: an environment or one of its children. `--restart-postgres` also ends the database server every 5 to 10 seconds, by a fast shutdown
 * or with SIGKILL, and starts it again. Ends with `lost N, duplicated N, stuck N`, counted from what was asked for. Exit code 1 where one of them is not 0.
 */
import { readProofOptions } from '../../scripts/proof-options.ts';
import { createSeededRandom } from '../seeded-random.ts';
import { createBackfills } from './backfills.ts';
import { startFleet, type ChaosFleet } from './fleet.ts';
import type { Amount } from './load.ts';
import { judge, type Verdict } from './verdict.ts';

const SHORTEST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 900;
/** The rest are children. */
const ENVIRONMENT_SHARE = 0.4;
const SHORTEST_UPTIME_MS = 5_000;
const LONGEST_UPTIME_MS = 10_000;
/**
 * Without anything coming to its end. Leases of ten seconds run out, retries wait, the broker's visibility timeout passes: all of it several times over.
 */
const PATIENCE_MS = 120_000;
const LOOK_EVERY_MS = 1_000;
const MESSAGES_PER_KILL = 2;
const KILLS_PER_BACKFILL = 20;
const MOST_PROBLEMS_SHOWN = 20;

const { values, wholeNumber, oneOf, fail } = readProofOptions(
  'chaos -- [--kills N] [--seed N] [--database sqlite|postgres] [--restart-postgres] [--messages N]',
  {
    kills: { type: 'string' },
    seed: { type: 'string' },
    database: { type: 'string' },
    'restart-postgres': { type: 'boolean' },
    messages: { type: 'string' },
  },
);
const kills = wholeNumber('kills', 100);
const seed = wholeNumber('seed', 1);
const database = oneOf('database', ['sqlite', 'postgres']);
const restartsPostgres = values['restart-postgres'] === true;
if (restartsPostgres && database !== 'postgres') fail('--restart-postgres needs --database postgres');
const amount: Amount = {
  messages: wholeNumber('messages', kills * MESSAGES_PER_KILL),
  backfills: Math.ceil(kills / KILLS_PER_BACKFILL),
};

const fleet = await startFleet(database);
const over = new AbortController();
const backfilling = createBackfills(fleet, amount.backfills, over.signal);
try {
  const done = await trouble(fleet);
  const verdict = await settle(fleet);
  for (const problem of verdict.problems.slice(0, MOST_PROBLEMS_SHOWN)) console.log(problem);
  console.log(
    `seed ${seed} database ${database} messages ${amount.messages} backfills ${amount.backfills} ` +
      `kills ${done.environments + done.children} (${done.environments} environments, ${done.children} children) ` +
      `database restarts ${done.stopped + done.killed} (${done.killed} after SIGKILL) dead letters ${await fleet.deadLetters()}`,
  );
  console.log(`lost ${verdict.lost}, duplicated ${verdict.duplicated}, stuck ${verdict.stuck}`);
  process.exitCode = verdict.lost + verdict.duplicated + verdict.stuck === 0 ? 0 : 1;
  if (process.exitCode === 1) console.error(fleet.lastLines());
} finally {
  over.abort();
  await backfilling;
  await fleet.stop();
}

/** What was done to the fleet. */
interface Trouble {
  environments: number;
  children: number;
  stopped: number;
  killed: number;
}

/** Sends, kills and restarts until everything is sent and enough is killed. */
async function trouble(running: ChaosFleet): Promise<Trouble> {
  const random = createSeededRandom(seed);
  const done: Trouble = { environments: 0, children: 0, stopped: 0, killed: 0 };
  const ended = new AbortController();
  const restarting = restartsPostgres ? restartAgainAndAgain(running, { done, signal: ended.signal }) : undefined;
  const sending = sendAll(running);
  for (let total = 1; total <= kills; total += 1) {
    const victim = random.happens(ENVIRONMENT_SHARE) ? 'environments' : 'children';
    // Another kind in its place would hit environments mostly that have not come to work yet.
    do await pause(random.between(SHORTEST_PAUSE_MS, LONGEST_PAUSE_MS));
    while (!running.kill(victim, random));
    done[victim] += 1;
    if (total % 10 === 0) console.error(`chaos: ${total} of ${kills} kills`);
  }
  await sending;
  ended.abort();
  await restarting;
  return done;
}

async function restartAgainAndAgain(running: ChaosFleet, { done, signal }: { readonly done: Trouble; readonly signal: AbortSignal }) {
  const random = createSeededRandom(seed).fork();
  for (;;) {
    await pause(random.between(SHORTEST_UPTIME_MS, LONGEST_UPTIME_MS));
    if (signal.aborted) return;
    done[await running.restartDatabase(random)] += 1;
  }
}

async function sendAll(running: ChaosFleet): Promise<void> {
  const spacingMs = (kills * (SHORTEST_PAUSE_MS + LONGEST_PAUSE_MS)) / 2 / amount.messages;
  for (let number = 0; number < amount.messages; number += 1) {
    await running.send(number);
    await pause(spacingMs);
  }
}

/** Waits until everything that was asked for has come to its end, or nothing has for a long time. */
async function settle(running: ChaosFleet): Promise<Verdict> {
  let open = Number.POSITIVE_INFINITY;
  let until = 0;
  for (;;) {
    const verdict = await judge(running, amount);
    const stillOpen = verdict.lost + verdict.stuck;
    if (stillOpen < open) until = Date.now() + PATIENCE_MS;
    open = Math.min(open, stillOpen);
    if (stillOpen === 0 || Date.now() > until) return verdict;
    await pause(LOOK_EVERY_MS);
  }
}

function pause(delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, delayMs);
  });
}
