import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startBenchEnvironment, type BenchDatabase } from '../bench-environment.ts';
import { percentiles, round, sharedNow, type Figures } from '../figures.ts';
import { startEchoChild } from '../floor.ts';

const FILES = 1_000;
const CHANGES = 10;
/** One save after the other, as somebody who writes makes them. */
const BETWEEN_SAVES_MS = 1_500;

const dagFile = (file: number, version: number): string => `
import { dag } from '@tradewind/sdk';
export const parsed = dag('parsed_${file}', { description: 'version ${version}' }, (d) => {
  const rows = d.task('extract', { run: () => [1, 2, 3] });
  const total = d.task('total', { inputs: { rows }, run: ({ rows }) => rows.length });
  d.task('load', { inputs: { total }, run: ({ total }) => total });
});
`;

/** 1,000 dag files in an empty environment until all their dags are known; then one saved again until its new version is. */
export async function parse(database: BenchDatabase): Promise<Figures> {
  const files = Object.fromEntries(Array.from({ length: FILES }, (_, file) => [`file-${file}.ts`, dagFile(file, 0)]));
  const floors: number[] = [];
  for (let child = 0; child < 5; child += 1) floors.push(await forkOnce());
  const startedAt = sharedNow();
  const environment = await startBenchEnvironment(database, files);
  const coldSeconds = (sharedNow() - startedAt) / 1_000;
  try {
    const changes: number[] = [];
    for (let version = 1; version <= CHANGES; version += 1) {
      await sleep(BETWEEN_SAVES_MS);
      const savedAt = sharedNow();
      writeFileSync(path.join(environment.folder, 'dags', 'file-7.ts'), dagFile(7, version));
      await untilVersion(environment, version);
      changes.push(sharedNow() - savedAt);
    }
    const figures = percentiles(changes);
    const floorP50Ms = percentiles(floors).p50Ms;
    return { ...figures, floorP50Ms, ratio: round(figures.p50Ms / floorP50Ms), coldSeconds: round(coldSeconds), changedMs: figures.p50Ms };
  } finally {
    await environment.stop();
  }
}

async function untilVersion(environment: Awaited<ReturnType<typeof startBenchEnvironment>>, version: number): Promise<void> {
  for (;;) {
    const { description } = (await environment.request('GET', '/api/v2/dags/parsed_7')) as { description: string };
    if (description === `version ${version}`) return;
  }
}

async function forkOnce(): Promise<number> {
  const startedAt = sharedNow();
  const child = startEchoChild();
  await child.ask('hello');
  const time = sharedNow() - startedAt;
  child.close();
  return time;
}
