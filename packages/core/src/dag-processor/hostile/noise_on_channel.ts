import { writeSync } from 'node:fs';
writeSync(3, 'HTTP/1.1 200 OK\r\n\r\n');
await new Promise((resolve) => setTimeout(resolve, 60_000));
