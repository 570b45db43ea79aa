import { describe, expect, test } from 'vitest';
import { parseCron, type Cron } from './parse-cron.ts';

function read(expression: string): Cron {
  const parsed = parseCron(expression);
  if (!parsed.ok) throw new Error(parsed.message);
  return parsed.cron;
}

const valuesOf = (field: readonly boolean[]): number[] => field.flatMap((matches, value) => (matches ? [value] : []));
const range = (first: number, last: number): number[] => Array.from({ length: last - first + 1 }, (_, index) => first + index);

describe('parseCron', () => {
  test.each<[string, keyof Cron, number[]]>([
    ['* * * * *', 'minutes', range(0, 59)],
    ['* * * * *', 'daysOfMonth', range(1, 31)],
    ['* * * * *', 'daysOfWeek', range(0, 6)],
    ['*/15 * * * *', 'minutes', [0, 15, 30, 45]],
    ['5/20 * * * *', 'minutes', [5, 25, 45]],
    ['10-20/5,50 * * * *', 'minutes', [10, 15, 20, 50]],
    ['0 9-17 * * *', 'hours', range(9, 17)],
    ['0 0 */10 * *', 'daysOfMonth', [1, 11, 21, 31]],
    ['0 0 1 jan,Jul *', 'months', [1, 7]],
    ['0 0 1 */3 *', 'months', [1, 4, 7, 10]],
    ['0 0 * * mon-FRI', 'daysOfWeek', [1, 2, 3, 4, 5]],
    ['0 0 * * 0', 'daysOfWeek', [0]],
    ['0 0 * * 7', 'daysOfWeek', [0]],
    ['0 0 * * 5-7', 'daysOfWeek', [0, 5, 6]],
    ['0 0 * * sat-sun', 'daysOfWeek', [0, 6]],
    ['0 0 * * 0-6/2', 'daysOfWeek', [0, 2, 4, 6]],
    ['0 0 * * */2', 'daysOfWeek', [0, 2, 4, 6]],
    ['  0   0 * * *  ', 'hours', [0]],
    ['0 0 * * *', 'seconds', [0]],
    ['*/20 0 * * * *', 'seconds', [0, 20, 40]],
    ['30 15 9 * * *', 'minutes', [15]],
    ['@daily', 'hours', [0]],
    ['@weekly', 'daysOfWeek', [0]],
    ['@quarterly', 'months', [1, 4, 7, 10]],
    ['@Yearly', 'months', [1]],
  ])('reads %s: %s', (expression, field, values) => {
    expect(valuesOf(read(expression)[field] as readonly boolean[])).toEqual(values);
  });

  test.each([
    ['0 0 13 * 5', true],
    ['0 0 */2 * 1', true],
    ['0 0 * * 5', false],
    ['0 0 13 * *', false],
    ['0 0 */1 * 5', false],
  ])('takes either day of %s: %s', (expression, isEitherDay) => {
    expect(read(expression).isEitherDay).toBe(isEitherDay);
  });

  test.each([
    ['*/5 * * * *', true],
    ['0 * * * *', true],
    ['0 */2 * * *', true],
    ['* 2 * * *', true],
    ['30 2 * * *', false],
    ['0 9-17 * * *', false],
    ['0 0 */2 * *', false],
    ['@hourly', true],
    ['@daily', false],
  ])('takes %s for an interval: %s', (expression, isInterval) => {
    expect(read(expression).isInterval).toBe(isInterval);
  });

  test.each([
    ['', 'has fewer than the five fields'],
    ['* * * *', 'has fewer than the five fields'],
    ['0 0 * * * * *', 'has more than the six fields second, minute'],
    ['60 0 * * * *', 'second "60" is not between 0 and 59'],
    ['60 * * * *', 'minute "60" is not between 0 and 59'],
    ['* 24 * * *', 'hour "24" is not between 0 and 23'],
    ['* * 0 * *', 'day of month "0" is not between 1 and 31'],
    ['* * 32 * *', 'day of month "32" is not between 1 and 31'],
    ['* * * 13 *', 'month "13" is not between 1 and 12'],
    ['* * * * 8', 'day of week "8" is not between 0 and 7'],
    ['* * * foo *', 'month "foo" is not a month'],
    ['* * L * *', 'day of month "l" is not a day of month (L, W, #, ? and H of other crons are not supported)'],
    ['* * 15w * *', 'day of month "15w" is not a day of month (L, W'],
    ['* * * * 5#3', 'day of week "5#3" cannot be read (L, W'],
    ['* * ? * *', 'day of month "?" cannot be read (L, W'],
    ['*/0 * * * *', 'minute "*/0" has a step that is not between 1 and 59'],
    ['*/90 * * * *', 'minute "*/90" has a step that is not between 1 and 59'],
    ['20-10 * * * *', 'minute "20-10" ends before it begins'],
    ['0 0 * * fri-mon', 'day of week "fri-mon" ends before it begins'],
    ['1,,2 * * * *', 'minute "" cannot be read'],
    ['1- * * * *', 'minute "1-" cannot be read'],
    ['-1 * * * *', 'minute "-1" cannot be read'],
    ['1.5 * * * *', 'minute "1.5" cannot be read'],
    ['٣ * * * *', 'cannot be read'],
    ['mon * * * *', 'minute "mon" is not a minute'],
    ['@once', 'is no preset; there are @hourly, @daily'],
    ['@constructor', 'is no preset'],
    ['constructor', 'has fewer than'],
  ])('refuses %j', (expression, message) => {
    const parsed = parseCron(expression);
    expect(parsed.ok ? '' : parsed.message).toContain(message);
    expect(parsed.ok ? '' : parsed.message).toContain(`cron ${JSON.stringify(expression)}: `);
  });
});
