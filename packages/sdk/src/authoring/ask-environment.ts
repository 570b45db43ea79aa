import type { TaskRequest, TaskResponse } from '@tradewind/protocol';
import { RequestError } from '../errors.ts';
import type { TaskContext } from './task-context.ts';

/** Where a context keeps the way to its environment, for operators of this package. Registered, because a dag file may mix two copies of it. */
export const ASK: unique symbol = Symbol.for('tradewind.ask.v1') as never;

/** Asks the environment of a try. Rejects with a `RequestError` where the context is not one that a try was given. */
export function askEnvironment(context: TaskContext, request: TaskRequest): Promise<TaskResponse> {
  const ask = (context as { readonly [ASK]?: (request: TaskRequest) => Promise<TaskResponse> })[ASK];
  if (ask !== undefined) return ask(request);
  return Promise.reject(new RequestError('unavailable', `a ${request.kind} can only be asked for inside of a run`));
}
