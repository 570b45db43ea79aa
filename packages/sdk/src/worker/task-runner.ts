/**
 * Entry of the process that runs tries of tasks, one after the other, for one version of one bundle. Its supervisor sends `start` for each
 * try and `cancel` to end one early; it answers `ready` once, and `started` and `ended` for each try. It ends when its channel closes.
 *
 *   idle ── start ──▸ importing ── started ──▸ running ── ended ──▸ idle
 *                                                          └─ left something behind ──▸ waits for its end, takes no further try
 *
 * Messages leave synchronously, so that a result that was reached is a result, whatever the author's code does to the process after it.
 */
import { flushCompileCache } from 'node:module';
import { Socket } from 'node:net';
import { inspect } from 'node:util';
import { createFrameReader, EXECUTION_PROTOCOL_VERSION, type ChildMessage, type SupervisorMessage } from '@tradewind/protocol';
import { makeOutputBlocking } from './blocking-output.ts';
import { CONTROL_FD, writeMessage } from './control-channel.ts';
import { createDagLoader } from './dag-loader.ts';
import { offerToOutOfMemoryKiller } from './process-state.ts';
import { endOutput, taskLog } from './task-output.ts';
import { TryRunner } from './try-runner.ts';

main();

function main(): void {
  offerToOutOfMemoryKiller();
  makeOutputBlocking();
  const send = (message: ChildMessage): void => {
    writeMessage(CONTROL_FD, message);
  };
  const runner = new TryRunner({ send, findTask: createDagLoader(), log: taskLog, endOutput });
  watchProcess(runner);
  listen(runner);
  send({ type: 'ready', protocolVersion: EXECUTION_PROTOCOL_VERSION, pid: process.pid });
  // This process is killed in the end, which saves nothing: what it compiled is saved now, for the start of the next one.
  flushCompileCache();
}

function listen(runner: TryRunner): void {
  const takeChunk = createFrameReader();
  const socket = new Socket({ fd: CONTROL_FD });
  socket.on('data', (chunk: Buffer) => {
    for (const message of takeChunk(chunk) as SupervisorMessage[]) {
      if (message.type === 'start') void runner.start(message.workload, message.inputFiles);
      else if (message.type === 'cancel') runner.cancel(message.reason);
      else runner.answer(message.requestId, message.response);
    }
  });
  // Without a supervisor nobody limits what runs here, and its attempt is given to somebody else.
  socket.on('close', endGroup);
}

function watchProcess(runner: TryRunner): void {
  process.on('uncaughtException', (error, origin) => {
    runner.endByUncaught(error, origin);
    process.stderr.write(`${inspect(error)}\n`);
    process.exit(1);
  });
  process.on('exit', (exitCode) => {
    runner.endByExit(exitCode);
  });
  process.on('SIGTERM', () => {
    if (!runner.cancel('the process was asked to end (SIGTERM)')) process.exit(0);
  });
}

/** Ends this process and what the author's code started, which is in the same process group. */
function endGroup(): void {
  try {
    process.kill(-process.pid, 'SIGKILL');
  } catch {
    process.exit(1);
  }
}
