import { createServer, type Server } from 'node:net';
import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import { findLeftovers, findProcessChanges, noteProcessState } from './process-state.ts';

const folder = process.cwd();
let server: Server | undefined;

afterEach(() => {
  Reflect.deleteProperty(Object.prototype, 'planted');
  Reflect.deleteProperty(process.env, 'PLANTED');
  server?.close();
  server = undefined;
  if (process.cwd() !== folder) process.chdir(folder);
});

test('finds nothing where nothing was done', () => {
  const before = noteProcessState();
  expect(findLeftovers(before)).toEqual([]);
  expect(Object.values(findProcessChanges(before)).flat()).toEqual([]);
});

test('finds what was added to Object.prototype, replaced in it or taken from it', () => {
  const before = noteProcessState();
  Reflect.set(Object.prototype, 'planted', 1);
  const withPlanted = noteProcessState();
  expect(findLeftovers(before)).toEqual(['Object.prototype.planted was changed']);
  Reflect.set(Object.prototype, 'planted', 2);
  expect(findLeftovers(withPlanted)).toEqual(['Object.prototype.planted was changed']);
  Reflect.deleteProperty(Object.prototype, 'planted');
  expect(findLeftovers(withPlanted)).toEqual(['Object.prototype.planted was changed']);
});

test('finds what was left open', async () => {
  const before = noteProcessState();
  server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  expect(findLeftovers(before)).toEqual(['1 × TCPServerWrap still open']);
});

test('puts changed, added and deleted environment variables back and does not name them', () => {
  process.env['PLANTED'] = 'before';
  const before = noteProcessState();
  const home = process.env['HOME'];
  process.env['PLANTED'] = 'after';
  process.env['PLANTED_TOO'] = 'new';
  delete process.env['HOME'];
  expect(findProcessChanges(before).environment).toHaveLength(3);
  expect(findLeftovers(before)).toEqual([]);
  expect([process.env['PLANTED'], process.env['PLANTED_TOO'], process.env['HOME']]).toEqual(['before', undefined, home]);
});
