/** What a route declares, and what does not compile. */
import { z } from 'zod';
import { apiRoute, pageRoute } from './route.ts';

const shape = {
  operationId: 'example',
  method: 'GET',
  url: '/example/{id}',
  params: z.object({ id: z.string() }),
  response: z.object({ id: z.string() }),
} as const;
const policy = { kind: 'public' } as const;

apiRoute({ ...shape, policy, handler: ({ params }) => Promise.resolve({ id: params.id }) });

// @ts-expect-error a route without a policy
apiRoute({ ...shape, handler: ({ params }) => Promise.resolve({ id: params.id }) });

// @ts-expect-error a page without a policy
pageRoute({ ...shape, handler: () => Promise.resolve({ kind: 'redirect', to: '/' }) });

// @ts-expect-error a policy that names no role
apiRoute({ ...shape, policy: { kind: 'role', resource: 'dag', action: 'read' }, handler: () => Promise.resolve({ id: '' }) });

apiRoute({
  ...shape,
  // @ts-expect-error a role that there is not
  policy: { kind: 'role', atLeast: 'root', resource: 'dag', action: 'read' },
  handler: () => Promise.resolve({ id: '' }),
});

// @ts-expect-error an answer that is not what the route declares
apiRoute({ ...shape, policy, handler: () => Promise.resolve({ name: '' }) });

apiRoute({
  ...shape,
  policy,
  // @ts-expect-error a parameter that the route does not declare
  handler: ({ params: { name } }) => Promise.resolve({ id: String(name) }),
});
