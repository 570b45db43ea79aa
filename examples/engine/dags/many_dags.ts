/** Many dags of one shape: one for each market, made in a loop and exported as a list. Each is a dag of its own, with its own schedule and runs. */
import { dag } from '@tradewind/sdk';

const MARKETS = [
  { market: 'eu', timezone: 'Europe/Berlin', currency: 'EUR' },
  { market: 'us', timezone: 'America/New_York', currency: 'USD' },
  { market: 'jp', timezone: 'Asia/Tokyo', currency: 'JPY' },
];

export const markets = MARKETS.map(({ market, timezone, currency }) =>
  dag(
    `engine_market_${market}`,
    { schedule: '0 6 * * *', timezone, startDate: '2026-01-01', isPausedUponCreation: true, tags: ['example', market] },
    (d) => {
      const orders = d.task('read', { run: () => [19, 23] });
      d.task('close_day', { inputs: { orders }, run: ({ orders }) => `${orders.reduce((sum, amount) => sum + amount, 0)} ${currency}` });
    },
  ),
);
