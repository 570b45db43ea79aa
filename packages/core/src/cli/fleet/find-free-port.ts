import { createServer } from 'node:net';
import { TradewindError } from '../../platform/errors.ts';

const LAST_PORT = 65_535;

/**
 * Finds the first port from `from` on that nobody listens on and that is not promised to somebody else.
 * @throws TradewindError `port_taken` where there is none
 */
export async function findFreePort(host: string, from: number, promised: ReadonlySet<number>): Promise<number> {
  for (let port = from; port <= LAST_PORT; port += 1) {
    if (!promised.has(port) && (await isFree(host, port))) return port;
  }
  throw new TradewindError('port_taken', `every port from ${from} on is used by another program on ${host}: end some of them`);
}

function isFree(host: string, port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen({ host, port, exclusive: true }, () => {
      server.close(() => resolve(true));
    });
  });
}
