import { TradewindError } from '../platform/errors.ts';
import { isAtLeast, mayRead, type Principal, type Role } from './auth/principal.ts';

/** What a route gives access to. */
export type Resource =
  | 'asset'
  | 'asset event'
  | 'configuration'
  | 'connection'
  | 'dag'
  | 'dag run'
  | 'import error'
  | 'inbox'
  | 'pool'
  | 'secret'
  | 'session'
  | 'subscription'
  | 'task instance'
  | 'task log'
  | 'variable'
  | 'xcom';

/** What a route does with its resource. */
export type Action = 'read' | 'create' | 'edit' | 'delete' | 'end';

/**
 * Who may use a route. Every route has one: without it the route does not compile. `public` is for the few that somebody who
 * has not logged in must reach; a test holds the literal list.
 */
export type Policy =
  | { readonly kind: 'public' }
  | { readonly kind: 'role'; readonly atLeast: Role; readonly resource: Resource; readonly action: Action };

/**
 * Lets a request pass or refuses it.
 * @throws TradewindError `unauthenticated` for somebody unknown, `forbidden` for somebody whose role is too low
 */
export function authorize(policy: Policy, principal: Principal): void {
  if (policy.kind === 'public') return;
  if (principal.role === null) throw new TradewindError('unauthenticated', 'Not authenticated');
  if (!isAtLeast(principal, policy.atLeast)) {
    throw new TradewindError(
      'forbidden',
      `Forbidden: to ${policy.action} a ${policy.resource} takes the role ${policy.atLeast}; ${principal.username} has the role ${principal.role}.`,
    );
  }
}

/**
 * Lets a request pass that names a dag, or refuses it. Whoever may not read a dag does not learn whether it exists.
 * @throws TradewindError `forbidden`
 */
export function authorizeDag(principal: Principal, dagId: string): void {
  if (!mayRead(principal, dagId)) throw new TradewindError('forbidden', 'Forbidden');
}

/**
 * Lets a clear go on in another dag, where a marker leads it, or refuses it as a whole. The other dag is not named: see `authorizeDag`.
 * @throws TradewindError `forbidden`
 */
export function authorizeMarkedDag(principal: Principal, dagId: string): void {
  if (mayRead(principal, dagId)) return;
  throw new TradewindError('forbidden', 'Forbidden: a marker leads to a dag that you have no access to. Nothing is cleared.');
}
