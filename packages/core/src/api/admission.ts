import type { FastifyRequest } from 'fastify';
import { TradewindError } from '../platform/errors.ts';
import type { ApiParts } from './api-parts.ts';
import type { Authentication } from './auth/authentication.ts';
import { ANONYMOUS, type Principal } from './auth/principal.ts';
import { authorize, authorizeDag } from './policy.ts';
import type { Caller, Route } from './route.ts';
import { WILDCARD } from './wildcard.ts';

/**
 * Decides whether a request may reach its route, before its body is read: who asks, whether the policy lets them, whether they may read the dag
 * that the path names, and whether a request that changes something comes from our own pages.
 *
 * @throws TradewindError `unauthenticated` or `forbidden`
 */
export async function admit(route: Route, request: FastifyRequest, { authentication, cookie }: ApiParts): Promise<Caller> {
  const bearer = readBearer(request.headers.authorization);
  const token = bearer ?? cookie.read(request.headers.cookie);
  if (route.method !== 'GET' && (route.kind === 'page' || (bearer === undefined && token !== undefined))) checkOrigin(request);
  const principal = route.policy.kind === 'public' || token === undefined ? ANONYMOUS : await identify(token, route, authentication);
  authorize(route.policy, principal);
  const { dag_id: dagId } = request.params as { readonly dag_id?: string };
  if (dagId !== undefined && dagId !== WILDCARD) authorizeDag(principal, dagId);
  return { principal, token, address: request.ip, accept: request.headers.accept ?? '*/*' };
}

/** Programs are answered as by Airflow: 401 for a token that was good once, 403 for one that never was. People log in again either way. */
async function identify(token: string, { kind }: Route, authentication: Authentication): Promise<Principal> {
  const identification = await authentication.identify(token);
  if (identification.outcome === 'known') return identification.principal;
  if (identification.outcome === 'expired') throw new TradewindError('unauthenticated', 'Token Expired');
  throw new TradewindError(kind === 'page' ? 'unauthenticated' : 'forbidden', 'Invalid JWT token');
}

/** A token is taken from the header or the cookie, and never from the address, which ends up in logs. */
function readBearer(header: string | undefined): string | undefined {
  return /^Bearer +([\w.-]+)$/i.exec(header ?? '')?.[1];
}

/**
 * Refuses a change that another site's page asks for in the user's name. Browsers say where a request comes from; one that says nothing is none of
 * theirs and carries a token in its header.
 */
function checkOrigin({ headers }: FastifyRequest): void {
  const site = headers['sec-fetch-site'];
  const isOurs = site === undefined ? isSameOrigin(headers.origin, headers.host) : site === 'same-origin' || site === 'none';
  if (!isOurs) throw new TradewindError('forbidden', 'Forbidden: the request comes from another site. Use the pages of this environment.');
}

function isSameOrigin(origin: string | undefined, host: string | undefined): boolean {
  if (origin === undefined || host === undefined || !URL.canParse(origin)) return false;
  return new URL(origin).host === host;
}
