/**
 * Puts the answers to what tasks ask together: one handler for each kind of request. An attempt that was given up is refused before any handler is asked.
 */
import type { Attempt, TaskRequest, TaskResponse } from '@tradewind/protocol';
import type { TaskServices } from '../../platform/task-services.ts';
import type { Database } from '../../store/database.ts';
import { findLiveAttempt, type LiveAttempt } from '../../store/reads/attempts.ts';

/** The requests of one kind. */
export type RequestOf<Kind extends TaskRequest['kind']> = Extract<TaskRequest, { readonly kind: Kind }>;

/** Answers the requests of one kind. Whatever it throws is told to the environment's log, and the task hears `unavailable`. */
export type RequestHandler<Kind extends TaskRequest['kind']> = (attempt: LiveAttempt, request: RequestOf<Kind>) => Promise<TaskResponse>;

/** A handler for each kind that this environment answers. */
export type RequestHandlers = { readonly [Kind in TaskRequest['kind']]?: RequestHandler<Kind> };

/** Answers by the handler of the request's kind. */
export function createTaskServices(database: Database, handlers: RequestHandlers): TaskServices {
  return {
    async answer(attempt: Attempt, request: TaskRequest) {
      const live = await findLiveAttempt(database, attempt);
      if (live === undefined) return attemptOver();
      // The handler of a kind takes the requests of that kind; the compiler cannot follow the key.
      const handler = handlers[request.kind] as RequestHandler<TaskRequest['kind']> | undefined;
      return handler === undefined ? unanswered(request.kind) : handler(live, request);
    },
  };
}

/** The answer to an attempt that does not run any more, as far as the environment knows. */
export function attemptOver(): TaskResponse {
  return { ok: false, code: 'forbidden', message: 'this attempt was replaced or has ended, and is given nothing any more' };
}

/** The answer that has nothing to say but that it was done. */
export const DONE: TaskResponse = { ok: true, value: null };

function unanswered(kind: string): TaskResponse {
  return { ok: false, code: 'unavailable', message: `this environment does not answer requests of kind ${kind}` };
}
