import { readSync, writeSync } from 'node:fs';
import { createFrameReader, encodeFrame, MAX_FRAME_BYTES } from '@tradewind/protocol';

/** The descriptor of the socket to the supervisor, on every child. */
export const CONTROL_FD = 3;

/** Waits in steps of this where a pipe is full; the reader empties it in microseconds unless it is behind. */
const FULL_PIPE_WAIT_MS = 1;
const READ_BYTES = 65_536;
const neverNotified = new Int32Array(new SharedArrayBuffer(4));

/**
 * Writes a message and returns when the kernel has all of it, so that nothing is lost whatever the author's code does next (`process.exit`
 * included) and whatever the event loop is busy with. Throws a RangeError for a message that no reader would take, and where the other side
 * is gone.
 */
export function writeMessage(fd: number, message: unknown): void {
  const frame = encodeFrame(message);
  if (frame.length > MAX_FRAME_BYTES)
    throw new RangeError(`the message has ${frame.length} bytes, and at most ${MAX_FRAME_BYTES} are sent`);
  writeFully(fd, frame);
}

/** Writes all bytes to a descriptor that may be non-blocking. Throws as `writeSync` does, but for a full pipe, which it waits for. */
export function writeFully(fd: number, bytes: Uint8Array): void {
  let written = 0;
  while (written < bytes.length) {
    try {
      written += writeSync(fd, bytes, written);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(neverNotified, 0, 0, FULL_PIPE_WAIT_MS);
    }
  }
}

/**
 * Reads one message, waiting for it without the event loop. Throws where the other side closes first, or what it sends is not a frame.
 */
export function readMessage(fd: number): unknown {
  const takeChunk = createFrameReader();
  for (;;) {
    // The frame reader keeps what it was given, so each read has a buffer of its own.
    const chunk = Buffer.alloc(READ_BYTES);
    const count = readSync(fd, chunk);
    if (count === 0) throw new Error('the supervisor closed the channel before it had sent a whole message');
    const [message] = takeChunk(chunk.subarray(0, count));
    if (message !== undefined) return message;
  }
}
