import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeFolder } from '../../bench/bench-environment.ts';

const READY_WITHIN_MS = 30_000;
const LOOK_EVERY_MS = 50;

interface SharingOptions {
  readonly name: string;
  readonly files: Readonly<Record<string, string>>;
  readonly postgresUrl: string;
  readonly secretKey: string;
}

/** An environment as a process of its own on a database that others use too. */
export class SharingEnvironment {
  readonly #folder: string;
  readonly #process: ChildProcess;

  /** @param options.secretKey the master key that all environments on the database share */
  constructor({ name, files, postgresUrl, secretKey }: SharingOptions) {
    this.#folder = makeFolder(files);
    const settings = {
      environment: { name },
      api: { port: 0 },
      database: { url: postgresUrl },
      secrets: { key: secretKey },
      log: { level: 'warning' },
    };
    writeFileSync(path.join(this.#folder, 'tradewind.json'), JSON.stringify(settings));
    const command = path.resolve(import.meta.dirname, '../../packages/core/bin/tradewind.mjs');
    this.#process = spawn(process.execPath, [command, 'standalone', '--folder', this.#folder], { stdio: ['ignore', 'ignore', 'inherit'] });
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** Waits until its API answers and knows the dag. */
  async untilReady(dagId: string): Promise<void> {
    const until = Date.now() + READY_WITHIN_MS;
    while (Date.now() < until) {
      try {
        await this.request('GET', `/api/v2/dags/${dagId}`);
        return;
      } catch {
        await sleep(LOOK_EVERY_MS);
      }
    }
    throw new Error(`an environment did not know dag ${dagId} within ${READY_WITHIN_MS / 1_000} s`);
  }

  async request(method: string, url: string, body?: unknown): Promise<unknown> {
    const { address, token } = JSON.parse(readFileSync(path.join(this.#folder, '.tradewind/environment.json'), 'utf8')) as Record<
      string,
      string
    >;
    const response = await fetch(`${address}${url}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${await response.text()}`);
    return response.json();
  }

  kill(): void {
    this.#process.kill('SIGKILL');
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const ended = once(this.#process, 'exit');
      this.#process.kill('SIGTERM');
      await ended;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
