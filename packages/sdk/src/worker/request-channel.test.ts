import { MAX_REQUESTS_IN_FLIGHT, type ChildMessage, type TaskRequest } from '@tradewind/protocol';
import { beforeEach, expect, test } from 'vitest';
import { RequestChannel } from './request-channel.ts';

const attempt = { taskInstanceId: 't', epoch: 1 };
const variable = (key: string): TaskRequest => ({ kind: 'variable', key });
const ok = (value: string) => ({ ok: true, value }) as const;

let sent: (ChildMessage & { type: 'request' })[];
let channel: RequestChannel;

beforeEach(() => {
  sent = [];
  channel = new RequestChannel((message) => {
    if (message.type === 'request') sent.push(message);
  });
});

test('an answer goes to whoever asked, in any order', async () => {
  const { ask } = channel.open(attempt);
  const [first, second] = [ask(variable('a')), ask(variable('b'))];
  expect(sent.map(({ requestId, request }) => [requestId, request])).toEqual([
    [1, variable('a')],
    [2, variable('b')],
  ]);
  channel.settle(2, ok('B'));
  channel.settle(1, ok('A'));
  expect(await Promise.all([first, second])).toEqual([ok('A'), ok('B')]);
});

test('no more than the limit are under way, and the others follow', async () => {
  const { ask } = channel.open(attempt);
  const answers = Array.from({ length: MAX_REQUESTS_IN_FLIGHT + 3 }, (_, index) => ask(variable(`v${index}`)));
  expect(sent).toHaveLength(MAX_REQUESTS_IN_FLIGHT);
  for (let id = 1; id <= answers.length; id += 1) channel.settle(id, ok(`${id}`));
  expect(sent).toHaveLength(answers.length);
  expect((await Promise.all(answers)).at(-1)).toEqual(ok(`${answers.length}`));
});

test('closing counts what has no answer, and ends asking', async () => {
  const requests = channel.open(attempt);
  void requests.ask(variable('a'));
  expect(requests.close()).toBe(1);
  await expect(requests.ask(variable('b'))).rejects.toThrow('a variable was asked for after the task had ended');
  expect(requests.close()).toBe(0);
});

test('an answer that comes after its try reaches nobody, and takes no place of the next try', async () => {
  const first = channel.open(attempt);
  void first.ask(variable('a'));
  first.close();
  channel.settle(1, ok('late'));
  const answer = channel.open({ ...attempt, epoch: 2 }).ask(variable('a'));
  channel.settle(1, ok('late'));
  channel.settle(2, ok('mine'));
  expect(await answer).toEqual(ok('mine'));
});

test('a request that is too large fails alone', async () => {
  const full = new RequestChannel(() => {
    throw new RangeError('the message has 99 bytes');
  });
  await expect(full.open(attempt).ask(variable('a'))).rejects.toThrow('the request cannot be sent: the message has 99 bytes');
});
