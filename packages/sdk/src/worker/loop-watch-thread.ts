/** The thread of loop-watch.ts: it waits, looks whether the loop has turned since, and says who keeps it from turning. */
import { workerData } from 'node:worker_threads';
import type { TriggerChildMessage } from '@tradewind/protocol';
import { CONTROL_FD, writeMessage } from './control-channel.ts';
import { BEAT, lock, OWNER_PLACE, unlock } from './loop-watch.ts';

/** How often the thread looks. */
const LOOK_MS = 250;
/** A loop that has not turned for so long is blocked. */
const BLOCKED_MS = 1_000;

const shared = workerData as Int32Array;
const neverNotified = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));

let lastBeat = Atomics.load(shared, BEAT);
let turnedAt = performance.now();
let reportedMs = 0;

for (;;) {
  Atomics.wait(neverNotified, 0, 0, LOOK_MS);
  const beat = Atomics.load(shared, BEAT);
  const blockedMs = performance.now() - turnedAt;
  if (beat !== lastBeat) {
    lastBeat = beat;
    turnedAt = performance.now();
    reportedMs = 0;
  } else if (blockedMs >= BLOCKED_MS && blockedMs >= 2 * reportedMs) {
    // Said again each time that it has lasted twice as long.
    reportedMs = blockedMs;
    report(blockedMs);
  }
}

function report(blockedMs: number): void {
  const owner = Atomics.load(shared, OWNER_PLACE);
  const message: TriggerChildMessage = { type: 'blocked', blockedMs, ...(owner === 0 ? {} : { triggerId: owner }) };
  lock(shared);
  try {
    writeMessage(CONTROL_FD, message);
  } finally {
    unlock(shared);
  }
}
