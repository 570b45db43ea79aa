import type { FastifyInstance, FastifyRequest } from 'fastify';
import { decodeJson } from '@tradewind/protocol';
import { TradewindError } from '../platform/errors.ts';
import { InvalidRequest, type RequestBody } from './request-problems.ts';
import type { Route } from './route.ts';

/** Teaches the server to read bodies: JSON and forms by their meaning, anything else as text. Which a route takes is its own matter. */
export function addBodyParsers(server: FastifyInstance): void {
  server.removeAllContentTypeParsers();
  addParser(server, /^application\/(?:[\w.+-]+\+)?json\b/, readJson);
  addParser(server, 'application/x-www-form-urlencoded', readForm);
  addParser(server, '*', (text) => ({ type: 'other', value: text }));
}

function addParser(server: FastifyInstance, mediaType: string | RegExp, read: (text: string) => RequestBody): void {
  // Async, so that a body that cannot be read is a rejection.
  server.addContentTypeParser(mediaType, { parseAs: 'string' }, async (_request: FastifyRequest, text: string) => read(text));
}

/**
 * Refuses a body of a media type that the route does not read.
 * @throws TradewindError `unsupported_media_type` where the route reads several, else `invalid_request` as FastAPI says it
 */
export function checkBodyType({ bodyTypes }: Route, body: RequestBody): void {
  if (bodyTypes.length === 0 || body.type === 'none' || bodyTypes.some((type) => type === body.type)) return;
  if (bodyTypes.length > 1) throw new TradewindError('unsupported_media_type', 'Unsupported Media Type: send application/json');
  throw new InvalidRequest([
    {
      type: 'model_attributes_type',
      loc: ['body'],
      msg: 'Input should be a valid dictionary or object to extract fields from',
      input: null,
    },
  ]);
}

function readJson(text: string): RequestBody {
  if (text === '') return { type: 'none' };
  try {
    return { type: 'json', value: decodeJson(text) };
  } catch (cause) {
    throw new InvalidRequest([
      { type: 'json_invalid', loc: ['body', 0], msg: 'JSON decode error', input: {}, ctx: { error: String(cause) } },
    ]);
  }
}

/** Of a repeated field the last counts. */
function readForm(text: string): RequestBody {
  return { type: 'form', value: Object.fromEntries(new URLSearchParams(text)) };
}
