import type { TriggerChildMessage, TriggerRunnerMessage } from '@tradewind/protocol';
import { triggerChildMessageSchema } from '@tradewind/protocol/schemas';
import { AuthorChild, type AuthorChildSettings } from './author-child.ts';
import type { TriggerChild, TriggerChildEvents } from './trigger-pool.ts';

/** Starts a process that runs the code of triggers. What the code prints goes to the log of the environment; what it has to say belongs into the log that it is given. */
export function startTriggerChild(settings: AuthorChildSettings, events: TriggerChildEvents): TriggerChild {
  const child = new AuthorChild<TriggerChildMessage>(settings, {
    parse: (candidate) => triggerChildMessageSchema.parse(candidate),
    onReady: events.onReady,
    onMessage: events.onMessage,
    onOutput: (stream, text) => settings.log.debug('a trigger has printed', { stream, text }),
    onGone: events.onGone,
  });
  const send = (message: TriggerRunnerMessage): void => child.send(message);
  return {
    run: (triggers) => send({ type: 'run', triggers }),
    cancel: (triggerIds) => send({ type: 'cancel', triggerIds }),
    ping: (number) => send({ type: 'ping', number }),
    kill: () => child.kill(),
  };
}
