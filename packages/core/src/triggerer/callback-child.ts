import type { CallbackChildMessage, CallbackRunnerMessage } from '@tradewind/protocol';
import { callbackChildMessageSchema } from '@tradewind/protocol/schemas';
import { AuthorChild, type AuthorChildSettings } from './author-child.ts';
import type { CallbackChild, CallbackChildEvents } from './callback-pool.ts';

/** Starts a process that calls callbacks, one list after the other. */
export function startCallbackChild(settings: AuthorChildSettings, events: CallbackChildEvents): CallbackChild {
  const child = new AuthorChild<CallbackChildMessage>(settings, {
    parse: (candidate) => callbackChildMessageSchema.parse(candidate),
    onReady: () => undefined,
    onMessage: events.onMessage,
    onOutput: events.onOutput,
    onGone: events.onGone,
  });
  const send = (message: CallbackRunnerMessage): void => child.send(message);
  return {
    call: (work) => send({ type: 'call', work }),
    cancel: (reason) => send({ type: 'cancel', reason }),
    kill: () => child.kill(),
  };
}
