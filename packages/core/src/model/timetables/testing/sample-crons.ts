const MINUTES = ['0', '30', '15,45', '59', '*/15', '7', '*/20', '5/25', '10-12', '*'];
const HOURS = ['0', '1', '2', '3', '23', '*/2', '0,2,4', '1-3', '*/6', '12', '*', '1/5'];
const DAYS_OF_MONTH = ['*', '*', '*', '*', '1', '15', '25-31', '*/10'];
const MONTHS = ['*', '*', '*', '3,10', '4-11', '1'];
const DAYS_OF_WEEK = ['*', '*', '*', '0', '1-5', '6,7'];
const SECONDS = ['0', '30', '*/20', '15,45'];

/** Every how many crons one has six fields. */
const WITH_SECONDS = 10;

/** So many different crons, always the same ones: of fixed times and of intervals, with five fields and with six. */
export function sampleCrons(count: number): readonly string[] {
  const crons = new Set<string>();
  let state = 1;
  const pick = (items: readonly string[]): string => {
    // A linear congruential generator (Numerical Recipes): the same crons on every machine.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return items[Math.floor((state / 4_294_967_296) * items.length)] ?? '*';
  };
  while (crons.size < count) {
    const fields = [MINUTES, HOURS, DAYS_OF_MONTH, MONTHS, DAYS_OF_WEEK].map(pick);
    crons.add((crons.size % WITH_SECONDS === 0 ? [pick(SECONDS), ...fields] : fields).join(' '));
  }
  return [...crons];
}
