/**
 * Entry of the process that calls callbacks of one bundle version, one list after the other. Its triggerer sends `call` for each list, and `cancel` before it ends the process because a list takes too
 * long; it answers `ready` once, and `called` for each list. It ends when its channel closes.
 */
import { flushCompileCache } from 'node:module';
import { Socket } from 'node:net';
import {
  createFrameReader,
  EXECUTION_PROTOCOL_VERSION,
  type CallbackChildMessage,
  type CallbackRunnerMessage,
  type CallbackWork,
} from '@tradewind/protocol';
import { findCallbacks } from '../authoring/definition.ts';
import { callCallbacks } from './call-callbacks.ts';
import { CONTROL_FD, writeMessage } from './control-channel.ts';
import { createDefinitionLoader } from './definition-loader.ts';
import { createMessageLog } from './message-log.ts';
import { offerToOutOfMemoryKiller } from './process-state.ts';

main();

function main(): void {
  offerToOutOfMemoryKiller();
  const call = createCaller();
  let current: AbortController | undefined;
  const takeChunk = createFrameReader();
  const socket = new Socket({ fd: CONTROL_FD });
  socket.on('data', (chunk: Buffer) => {
    for (const message of takeChunk(chunk) as CallbackRunnerMessage[]) {
      if (message.type === 'cancel') {
        current?.abort(new DOMException(message.reason, 'AbortError'));
      } else {
        current = new AbortController();
        void call(message.work, current.signal);
      }
    }
  });
  // Without a triggerer nobody limits what runs here, and the list is called by somebody else.
  socket.on('close', () => process.kill(-process.pid, 'SIGKILL'));
  send({ type: 'ready', protocolVersion: EXECUTION_PROTOCOL_VERSION, pid: process.pid });
  flushCompileCache();
}

function send(message: CallbackChildMessage): void {
  writeMessage(CONTROL_FD, message);
}

function createCaller(): (work: CallbackWork, signal: AbortSignal) => Promise<void> {
  const load = createDefinitionLoader();
  return async (work, signal) => {
    const { callbackId, target, code, context } = work;
    const loaded = await load(code, context.dagId);
    if (!loaded.found) {
      send({ type: 'called', callbackId, failures: [], problem: loaded.message });
      return;
    }
    const handlers = findCallbacks(loaded.dag, target);
    if (handlers.length === 0) {
      send({
        type: 'called',
        callbackId,
        failures: [],
        problem: 'the dag file does not define the callbacks any more that its version has',
      });
      return;
    }
    const log = createMessageLog('callback', (record) => send({ type: 'log', callbackId, record }));
    send({ type: 'called', callbackId, failures: await callCallbacks(handlers, work, { signal, log }) });
  };
}
