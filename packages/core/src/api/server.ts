import { fastify, type FastifyInstance, type FastifyRequest } from 'fastify';
import { TradewindError } from '../platform/errors.ts';
import type { Log } from '../platform/log.ts';
import { LogSearches } from '../task-logs/search-thread.ts';
import { admit } from './admission.ts';
import type { ApiParts, ServerParts } from './api-parts.ts';
import { addBodyParsers, checkBodyType } from './body-parsers.ts';
import { createSessionCookie } from './cookies.ts';
import { pathOf, sendError, sendReply } from './replies.ts';
import type { RequestBody } from './request-problems.ts';
import type { Caller, Route } from './route.ts';
import { ROUTES } from './routes.ts';
import { SECURITY_HEADERS } from './security-headers.ts';

/** ASVS: an upload would have a route and a limit of its own. */
const MAX_BODY_BYTES = 1_048_576;
const MAX_HEADER_BYTES = 16_384;
/** A client that sends this slowly holds a connection for nothing. */
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
const KEEP_ALIVE_TIMEOUT_MS = 65_000;
/** An id has up to 250 characters, each of which takes up to twelve in a path. */
const MAX_PARAM_LENGTH = 3_000;

/** Makes the server of an environment: Airflow's REST API, what we add to it, and the pages. It listens only when `listen` says so. */
export function createServer(given: ServerParts): FastifyInstance {
  const closing = new AbortController();
  const parts: ApiParts = {
    ...given,
    cookie: createSessionCookie(given.environmentName, given.isHttps ?? false),
    logSearches: new LogSearches(given.clock),
    closing: closing.signal,
  };
  const server = fastify({
    logger: false,
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    forceCloseConnections: 'idle',
    requestIdHeader: false,
    genReqId: () => parts.random.uuid(),
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    http: { headersTimeout: HEADERS_TIMEOUT_MS, maxHeaderSize: MAX_HEADER_BYTES },
  });
  addBodyParsers(server);
  server.addHook('onRequest', async (request, reply) => {
    void reply.headers({ ...SECURITY_HEADERS, 'x-request-id': request.id });
  });
  // Before the server waits for the answers that are under way.
  server.addHook('preClose', async () => closing.abort());
  for (const route of ROUTES) serve(server, route, parts);
  server.setNotFoundHandler((request, reply) => sendError(new TradewindError('not_found', 'Not Found'), { request, reply, parts }));
  server.setErrorHandler((error, request, reply) => sendError(error, { request, reply, parts }));
  return server;
}

/** Where a server listens. */
export interface ListenOptions {
  /** @default '127.0.0.1' */
  readonly host?: string;
  readonly port: number;
  /** Whether this very port was asked for; otherwise the next free one will do. @default false */
  readonly isPortFixed?: boolean;
}

/** How many ports are tried where none was asked for. */
const MOST_PORTS = 100;
const LAST_PORT = 65_535;

/**
 * Starts to listen.
 * @returns the address, such as `http://127.0.0.1:8080`
 * @throws TradewindError `port_taken` where the port, or each of a hundred from it on, belongs to another program
 */
export async function listen(server: FastifyInstance, { host = '127.0.0.1', port, isPortFixed = false }: ListenOptions): Promise<string> {
  const last = isPortFixed || port === 0 ? port : Math.min(port + MOST_PORTS - 1, LAST_PORT);
  for (let candidate = port; candidate <= last; candidate += 1) {
    try {
      return await server.listen({ host, port: candidate });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    }
  }
  const which = last === port ? `port ${port}` : `every port from ${port} to ${last}`;
  throw new TradewindError('port_taken', `${which} on ${host} is used by another program: end that one, or choose another port.`);
}

/** Puts one route of the table into the server. Its policy is asked before the body is read. */
function serve(server: FastifyInstance, route: Route, parts: ApiParts): void {
  const callers = new WeakMap<FastifyRequest, Caller>();
  server.route({
    method: route.method,
    url: route.url.replaceAll(/\{(\w+)\}/g, ':$1'),
    async onRequest(request) {
      callers.set(request, await admit(route, request, parts));
    },
    async handler(request, reply) {
      const caller = callers.get(request);
      if (caller === undefined) throw new TradewindError('internal', `${route.operationId} was reached without being admitted`);
      const body = (request.body as RequestBody | undefined) ?? { type: 'none' };
      checkBodyType(route, body);
      const answer = await route.run({ params: request.params, query: request.query, body }, parts, caller);
      if (route.method !== 'GET') noteChange(route, request, { caller, log: parts.log });
      return sendReply(reply, answer);
    },
    errorHandler(error, request, reply) {
      void sendError(error, { request, reply, parts, route });
    },
  });
}

/** Who changed what: the log is the only place that keeps it. */
function noteChange(route: Route, request: FastifyRequest, { caller, log }: { readonly caller: Caller; readonly log: Log }): void {
  const { username } = caller.principal;
  log.info('a request was carried out', {
    operation: route.operationId,
    path: pathOf(request),
    username,
    address: caller.address,
    requestId: request.id,
  });
}
