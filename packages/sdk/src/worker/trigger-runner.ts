/**
 * Entry of the process that runs the code of triggers of one bundle version, many at the same time on its event loop. Its triggerer sends `run` and `cancel`; it answers `ready` once and
 * `fired` once for each trigger. It ends when its channel closes.
 *
 * An error that nobody caught is the failure of the trigger whose code threw it, and the others go on. Only one that is nobody's ends the process.
 */
import { flushCompileCache } from 'node:module';
import { Socket } from 'node:net';
import { inspect } from 'node:util';
import {
  createFrameReader,
  EXECUTION_PROTOCOL_VERSION,
  type TriggerChildMessage,
  type TriggerRunnerMessage,
  type TriggerWork,
} from '@tradewind/protocol';
import { findTrigger } from '../authoring/definition.ts';
import { CONTROL_FD, writeMessage } from './control-channel.ts';
import { createDefinitionLoader } from './definition-loader.ts';
import { describeThrown } from './describe-thrown.ts';
import { watchLoop, type LoopWatch } from './loop-watch.ts';
import { offerToOutOfMemoryKiller } from './process-state.ts';
import { TriggerHost, type TriggerHostParts } from './trigger-host.ts';

main();

function main(): void {
  offerToOutOfMemoryKiller();
  const watch = watchLoop();
  const send = (message: TriggerChildMessage): void => watch.exclusively(() => writeMessage(CONTROL_FD, message));
  const host = new TriggerHost({ send, findTrigger: createTriggerFinder(), enter: (owner, run) => watch.enter(owner, run) });
  watchProcess(host, watch, send);
  listen(host, send);
  send({ type: 'ready', protocolVersion: EXECUTION_PROTOCOL_VERSION, pid: process.pid });
  flushCompileCache();
}

function createTriggerFinder(): TriggerHostParts['findTrigger'] {
  const load = createDefinitionLoader();
  return async ({ code, dagId, taskId, name }: TriggerWork) => {
    const loaded = await load(code, dagId);
    if (!loaded.found) return { problem: loaded.message };
    const handler = findTrigger(loaded.dag, taskId, name);
    if (handler !== undefined) return { handler };
    return { problem: `task "${taskId}" of dag "${dagId}" has no trigger "${name}"; name it in the task's triggers` };
  };
}

function listen(host: TriggerHost, send: (message: TriggerChildMessage) => void): void {
  const takeChunk = createFrameReader();
  const socket = new Socket({ fd: CONTROL_FD });
  socket.on('data', (chunk: Buffer) => {
    for (const message of takeChunk(chunk) as TriggerRunnerMessage[]) {
      if (message.type === 'run') host.run(message.triggers);
      else if (message.type === 'cancel') host.cancel(message.triggerIds);
      else send({ type: 'pong', number: message.number });
    }
  });
  // Without a triggerer nobody hears of an event, and the triggers are run elsewhere.
  socket.on('close', () => process.kill(-process.pid, 'SIGKILL'));
}

function watchProcess(host: TriggerHost, watch: LoopWatch, send: (message: TriggerChildMessage) => void): void {
  process.on('uncaughtException', (error) => {
    const { message } = describeThrown(error);
    if (host.fail(watch.currentOwner(), `an error was thrown and nobody caught it: ${message}`)) return;
    process.stderr.write(`${inspect(error)}\n`);
    process.exit(1);
  });
  process.on('unhandledRejection', (reason) => {
    const { message } = describeThrown(reason);
    if (host.fail(watch.currentOwner(), `a promise was rejected and nobody handled it: ${message}`)) return;
    process.stderr.write(`${inspect(reason)}\n`);
  });
  process.on('exit', (exitCode) => {
    const triggerId = watch.currentOwner();
    if (triggerId > 0)
      send({ type: 'dying', triggerId, message: `the trigger ended the process with exit code ${exitCode}; it must return instead` });
  });
}
