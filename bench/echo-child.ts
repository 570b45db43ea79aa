/** The child of the floor: sends back what it gets. */
import { Socket } from 'node:net';
import { createFrameReader, encodeFrame } from '@tradewind/protocol';

const pipe = new Socket({ fd: 3 });
const read = createFrameReader();
pipe.on('data', (chunk: Buffer) => {
  for (const message of read(chunk)) pipe.write(encodeFrame(message));
});
pipe.on('close', () => {
  process.exit(0);
});
