import type { z } from 'zod';
import type { ApiParts } from './api-parts.ts';
import type { Principal } from './auth/principal.ts';
import type { Html } from './pages/html.ts';
import type { Policy } from './policy.ts';
import { checkQuery, parsePart, type RequestBody } from './request-problems.ts';

/** Who asks, and from where. */
export interface Caller {
  readonly principal: Principal;
  readonly address: string;
  /** The token or cookie that the request came with. */
  readonly token: string | undefined;
  readonly accept: string;
}

/** A request as the server received it; the parts are unchecked. */
export interface RawRequest {
  readonly params: unknown;
  readonly query: unknown;
  readonly body: RequestBody;
}

/** What goes back to the client. */
export type Reply =
  | { readonly kind: 'json'; readonly status: number; readonly body: unknown }
  /** Done, and nothing to say: status 204. */
  | { readonly kind: 'empty' }
  | { readonly kind: 'html'; readonly status: number; readonly body: Html; readonly headers?: Readonly<Record<string, string>> }
  | { readonly kind: 'redirect'; readonly to: string; readonly headers?: Readonly<Record<string, string>> }
  | { readonly kind: 'file'; readonly contentType: string; readonly body: string; readonly headers: Readonly<Record<string, string>> }
  | {
      readonly kind: 'stream';
      readonly contentType: string;
      readonly chunks: AsyncIterable<string>;
      readonly headers?: Readonly<Record<string, string>>;
    };

/** The media types that a route's body may have. */
export type BodyType = 'json' | 'form';

/** A row of the route table, ready to be served. */
export interface Route {
  /** `page` answers people in HTML, errors included; `api` answers programs in JSON. */
  readonly kind: 'api' | 'page';
  /** Airflow's operation id where the operation is Airflow's. */
  readonly operationId: string;
  readonly method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  /** OpenAPI's spelling: `/api/v2/dags/{dag_id}`. */
  readonly url: string;
  readonly policy: Policy;
  /** The media types that it reads; empty for a route without a body. */
  readonly bodyTypes: readonly BodyType[];
  /** Names of the query parameters that it knows. */
  readonly queryParameters: readonly string[];
  /** Airflow's query parameters that it does not serve: a request with one is refused and never answered as if it had none. */
  readonly unservedParameters: readonly string[];
  readonly run: (request: RawRequest, parts: ApiParts, caller: Caller) => Promise<Reply>;
}

/** The checked parts of a request. */
export interface RouteInput<Params, Query, Body> {
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
}

/** What every route declares. */
interface RouteDeclaration<Params extends z.ZodType, Query extends z.ZodObject, Body extends z.ZodType> {
  readonly operationId: string;
  readonly method: Route['method'];
  readonly url: string;
  readonly policy: Policy;
  readonly params?: Params;
  readonly query?: Query;
  readonly body?: Body;
  /** @default `['json']` where there is a body */
  readonly bodyTypes?: readonly BodyType[];
  readonly unservedParameters?: readonly string[];
}

type Handler<Params extends z.ZodType, Query extends z.ZodObject, Body extends z.ZodType, Result> = (
  input: RouteInput<z.output<Params>, z.output<Query>, z.output<Body>>,
  parts: ApiParts,
  caller: Caller,
) => Promise<Result>;

/** A route that answers with JSON. The response schema is a list of what may leave: whatever it does not name stays. */
export interface ApiRouteDeclaration<
  Params extends z.ZodType,
  Query extends z.ZodObject,
  Body extends z.ZodType,
  Response extends z.ZodType,
> extends RouteDeclaration<Params, Query, Body> {
  readonly response: Response;
  /** Of success. @default 200 */
  readonly status?: 200 | 201;
  readonly handler: Handler<Params, Query, Body, z.input<Response>>;
}

/**
 * Declares a route for programs.
 *
 * @example
 * export const getVersion = apiRoute({
 *   operationId: 'get_version', method: 'GET', url: '/api/v2/version', policy: { kind: 'public' },
 *   response: z.object({ version: z.string(), git_version: z.null() }),
 *   handler: (_input, { version }) => Promise.resolve({ version, git_version: null }),
 * });
 */
export function apiRoute<Params extends z.ZodType, Query extends z.ZodObject, Body extends z.ZodType, Response extends z.ZodType>(
  declaration: ApiRouteDeclaration<Params, Query, Body, Response>,
): Route {
  return {
    ...commonParts(declaration),
    kind: 'api',
    async run(request, parts, caller) {
      const body = await declaration.handler(readInput(declaration, request), parts, caller);
      return { kind: 'json', status: declaration.status ?? 200, body: declaration.response.parse(body) };
    },
  };
}

/** A route whose handler makes the whole reply. */
export interface ReplyRouteDeclaration<
  Params extends z.ZodType,
  Query extends z.ZodObject,
  Body extends z.ZodType,
> extends RouteDeclaration<Params, Query, Body> {
  readonly handler: Handler<Params, Query, Body, Reply>;
}

/** Declares a route for programs that answers with something else than one JSON body. */
export function streamRoute<Params extends z.ZodType, Query extends z.ZodObject, Body extends z.ZodType>(
  declaration: ReplyRouteDeclaration<Params, Query, Body>,
): Route {
  return replyRoute('api', declaration);
}

/** Declares a route for programs that does something and has nothing to say about it: status 204. */
export function emptyRoute<Params extends z.ZodType, Query extends z.ZodObject, Body extends z.ZodType>(
  declaration: RouteDeclaration<Params, Query, Body> & { readonly handler: Handler<Params, Query, Body, void> },
): Route {
  return replyRoute('api', {
    ...declaration,
    async handler(input, parts, caller): Promise<Reply> {
      await declaration.handler(input, parts, caller);
      return { kind: 'empty' };
    },
  });
}

/** Declares a route for people: it answers with a page, or sends the browser to one. */
export function pageRoute<Params extends z.ZodType, Query extends z.ZodObject, Body extends z.ZodType>(
  declaration: ReplyRouteDeclaration<Params, Query, Body>,
): Route {
  return replyRoute('page', declaration);
}

function replyRoute<Params extends z.ZodType, Query extends z.ZodObject, Body extends z.ZodType>(
  kind: Route['kind'],
  declaration: ReplyRouteDeclaration<Params, Query, Body>,
): Route {
  return {
    ...commonParts(declaration),
    kind,
    // Async, so that a request that does not fit is a rejection and never a throw into the caller's own frame.
    async run(request, parts, caller) {
      return declaration.handler(readInput(declaration, request), parts, caller);
    },
  };
}

function commonParts<Params extends z.ZodType, Query extends z.ZodObject, Body extends z.ZodType>(
  declaration: RouteDeclaration<Params, Query, Body>,
) {
  const { operationId, method, url, policy, body, query } = declaration;
  return {
    operationId,
    method,
    url,
    policy,
    bodyTypes: declaration.bodyTypes ?? (body === undefined ? [] : (['json'] as const)),
    queryParameters: query === undefined ? [] : Object.keys(query.shape),
    unservedParameters: declaration.unservedParameters ?? [],
  };
}

function readInput<Params extends z.ZodType, Query extends z.ZodObject, Body extends z.ZodType>(
  declaration: RouteDeclaration<Params, Query, Body>,
  request: RawRequest,
): RouteInput<z.output<Params>, z.output<Query>, z.output<Body>> {
  checkQuery(request.query, declaration.unservedParameters ?? []);
  return {
    params: parsePart('path', declaration.params, request.params),
    query: parsePart('query', declaration.query, request.query),
    body: parsePart('body', declaration.body, request.body.value),
  };
}
