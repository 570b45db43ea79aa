import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { createFrameReader, encodeFrame, MAX_FRAME_BYTES } from '@tradewind/protocol';
import { expect, test } from 'vitest';
import { writeMessage } from './control-channel.ts';

const CHANNEL = new URL('control-channel.ts', import.meta.url).href;

/** Runs a script that has the channel's functions at hand, and gives its end of the channel. */
function runScript(script: string) {
  const code = `import { readMessage, writeMessage } from ${JSON.stringify(CHANNEL)};\n${script}`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', code], { stdio: ['ignore', 'ignore', 'inherit', 'pipe'] });
  return { child, control: child.stdio[3] as Duplex };
}

test('a message is out before the process that wrote it can end', async () => {
  const { control } = runScript(`writeMessage(3, { text: 'x'.repeat(3_000_000) }); process.exit(0);`);
  const takeChunk = createFrameReader();
  const messages: unknown[] = [];
  control.on('data', (chunk: Buffer) => messages.push(...takeChunk(chunk)));
  await once(control, 'close');
  expect(messages).toEqual([{ text: 'x'.repeat(3_000_000) }]);
});

test('a message that comes in pieces is read whole', async () => {
  const { child, control } = runScript(`process.exit(readMessage(3).text.length === 300_000 ? 7 : 1);`);
  const frame = encodeFrame({ text: 'x'.repeat(300_000) });
  control.write(frame.subarray(0, 3));
  control.write(frame.subarray(3, 100_000));
  control.write(frame.subarray(100_000));
  expect(await once(child, 'exit')).toEqual([7, null]);
});

test('reading fails where the other side closes in the middle of a message', async () => {
  const { child, control } = runScript(
    `try { readMessage(3); } catch (error) { process.exit(/closed the channel/.test(error.message) ? 7 : 1); }`,
  );
  control.end(encodeFrame({ text: 'x' }).subarray(0, 6));
  expect(await once(child, 'exit')).toEqual([7, null]);
});

test('a message that no reader would take is refused before anything is written', () => {
  expect(() => writeMessage(-1, 'x'.repeat(MAX_FRAME_BYTES))).toThrow(RangeError);
});
