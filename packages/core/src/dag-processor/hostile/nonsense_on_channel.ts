import { writeSync } from 'node:fs';
const text = JSON.stringify({ type: 'parsed', dags: 'all of them' });
const frame = Buffer.alloc(4 + text.length);
frame.writeUInt32BE(text.length);
frame.write(text, 4);
writeSync(3, frame);
