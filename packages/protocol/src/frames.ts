/**
 * Messages on a pipe: four bytes of length (big endian), then that many bytes of JSON. Any language can speak it, and a reader
 * knows a message's size before it holds it.
 */
const HEADER_BYTES = 4;
/** The longest message either side sends: two values of the largest size, each escaped once more as text, and room for the rest. */
export const MAX_FRAME_BYTES = 16 * 1_048_576;

/** One message as bytes. */
export function encodeFrame(message: unknown): Uint8Array {
  const body = Buffer.from(JSON.stringify(message), 'utf8');
  const frame = Buffer.allocUnsafe(HEADER_BYTES + body.length);
  frame.writeUInt32BE(body.length, 0);
  body.copy(frame, HEADER_BYTES);
  return frame;
}

/**
 * Returns a function that takes the bytes as they arrive and returns the messages that they complete, parsed but unchecked.
 * It throws where a length passes `MAX_FRAME_BYTES` or a body is not JSON: the pipe can then only be closed.
 */
export function createFrameReader(): (chunk: Uint8Array) => unknown[] {
  let pending: Buffer = Buffer.alloc(0);
  return (chunk) => {
    pending = pending.length === 0 ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength) : Buffer.concat([pending, chunk]);
    const messages: unknown[] = [];
    for (;;) {
      if (pending.length < HEADER_BYTES) break;
      const length = pending.readUInt32BE(0);
      if (length > MAX_FRAME_BYTES) throw new RangeError(`a message of ${length} bytes was announced; at most ${MAX_FRAME_BYTES} are read`);
      if (pending.length < HEADER_BYTES + length) break;
      messages.push(JSON.parse(pending.toString('utf8', HEADER_BYTES, HEADER_BYTES + length)) as unknown);
      pending = pending.subarray(HEADER_BYTES + length);
    }
    return messages;
  };
}
