import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { findFreePort } from './find-free-port.ts';

test('passes over ports that somebody listens on and ports that are promised to others', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  try {
    const found = await findFreePort('127.0.0.1', port, new Set());
    expect(found).toBeGreaterThan(port);
    expect(await findFreePort('127.0.0.1', port, new Set([found]))).toBeGreaterThan(found);
  } finally {
    server.close();
    await once(server, 'close');
  }
});
