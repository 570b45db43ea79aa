import { appendFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../platform/clock.ts';
import { followTaskLog } from './follow-task-log.ts';
import { createLogFolder, logLine, logLines, type LogFolder } from './testing/log-file.ts';

let folder: LogFolder;
let file: string;

beforeEach(() => {
  folder = createLogFolder();
  ({ file } = folder);
});

afterEach(() => {
  folder[Symbol.dispose]();
});

const LAST_WORD = logLine('task ended', { logger: 'supervisor', result: 'success' });
/** A clock that does not wait. */
const clock = { ...systemClock, setTimer: (_delayMs: number, fire: () => void) => systemClock.setTimer(0, fire) };

function follow(isEnded: () => Promise<boolean>, fromLine = 1, signal = new AbortController().signal) {
  return followTaskLog({ file, fromLine, isEnded, clock, signal });
}

async function told(log: ReturnType<typeof follow>): Promise<string[]> {
  const events: string[] = [];
  for await (const part of log) events.push(...part.map(({ line, record }) => `${line} ${record.event}`));
  return events;
}

describe('following', () => {
  test('tells what there is, then what is written, and ends with the try', async () => {
    writeFileSync(file, logLines(2));
    const steps = [() => appendFileSync(file, logLine('three')), () => appendFileSync(file, LAST_WORD)];
    const isEnded = (): Promise<boolean> => {
      const step = steps.shift();
      step?.();
      return Promise.resolve(step === undefined);
    };
    expect(await told(follow(isEnded))).toEqual(['1 line 1', '2 line 2', '3 three', '4 task ended']);
  });

  test('tells what was written between the last reading and the end', async () => {
    const isEnded = (): Promise<boolean> => {
      appendFileSync(file, LAST_WORD);
      return Promise.resolve(true);
    };
    expect(await told(follow(isEnded))).toEqual(['1 task ended']);
  });

  test('goes on after a last word that was not the last: another attempt at the same try', async () => {
    writeFileSync(file, LAST_WORD);
    let questions = 0;
    const isEnded = (): Promise<boolean> => {
      questions += 1;
      if (questions === 1) appendFileSync(file, logLine('again') + LAST_WORD);
      return Promise.resolve(questions > 1);
    };
    expect(await told(follow(isEnded))).toEqual(['1 task ended', '2 again', '3 task ended']);
  });

  test('begins at the line that was asked for, also in the middle of a long log', async () => {
    writeFileSync(file, logLines(30_000));
    const events = await told(follow(() => Promise.resolve(true), 28_500));
    expect(events).toHaveLength(1_501);
    expect(events[0]).toBe('28500 line 28500');
  });

  test('ends when it is told to, while nothing is written', async () => {
    const ending = new AbortController();
    const isEnded = (): Promise<boolean> => {
      ending.abort();
      return Promise.resolve(false);
    };
    expect(await told(follow(isEnded, 1, ending.signal))).toEqual([]);
  });
});
