import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ApiParts } from './api-parts.ts';
import { replyOf } from './errors.ts';
import { errorPage } from './pages/error-page.ts';
import { markupOf } from './pages/html.ts';
import { loginPage } from './pages/login-page.ts';
import type { Reply, Route } from './route.ts';

/** Sends what a route answered. */
export function sendReply(reply: FastifyReply, answer: Reply): FastifyReply {
  switch (answer.kind) {
    case 'json':
      return reply.status(answer.status).type('application/json').send(JSON.stringify(answer.body));
    case 'empty':
      return reply.status(204).send();
    case 'html':
      return reply
        .status(answer.status)
        .headers(answer.headers ?? {})
        .type('text/html; charset=utf-8')
        .send(markupOf(answer.body));
    case 'redirect':
      return reply.headers(answer.headers ?? {}).redirect(answer.to, 303);
    case 'file':
      return reply.headers(answer.headers).type(answer.contentType).send(answer.body);
    case 'stream':
      return reply
        .headers(answer.headers ?? {})
        .type(answer.contentType)
        .send(Readable.from(answer.chunks));
  }
}

/** Where an error happened. Without a route it was before one was found. */
export interface ErrorPlace {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly parts: ApiParts;
  readonly route?: Route;
}

/** Sends what a client is told about an error, as JSON or as a page, and tells the log what concerns the operator. */
export function sendError(error: unknown, { request, reply, parts, route }: ErrorPlace): FastifyReply {
  const { status, detail, headers } = replyOf(error);
  if (status >= 500) {
    const where = { requestId: request.id, method: request.method, path: pathOf(request), status };
    parts.log.error('a request failed', { ...where, error });
  }
  void reply.headers(headers);
  const isPage = route === undefined ? (request.headers.accept ?? '').includes('text/html') : route.kind === 'page';
  if (!isPage) return sendReply(reply, { kind: 'json', status, body: { detail } });
  const text = typeof detail === 'string' ? detail : detail.map(({ loc, msg }) => `${loc.join('.')}: ${msg}`).join('; ');
  const { environmentName } = parts;
  // Somebody who has not logged in gets the way to do it at the very address, and comes back to it.
  if (status === 401) return sendReply(reply, { kind: 'html', status, body: loginPage({ environmentName, next: nextOf(request) }) });
  return sendReply(reply, { kind: 'html', status, body: errorPage({ environmentName, status, text, requestId: request.id }) });
}

/** Where to go after the login: back, where that is a page to look at. */
function nextOf({ method, url }: FastifyRequest): string {
  return method === 'GET' ? url : '/';
}

/** The path of a request for the log, without the query, which may hold what is nobody's business. */
export function pathOf({ url }: FastifyRequest): string {
  return url.split('?', 1)[0] ?? url;
}
