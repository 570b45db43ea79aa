/**
 * Completes package-lock.json after `npm install` on a registry mirror that does not hold every platform's binaries.
 *
 * npm leaves an optional package out of the lock file when the registry in use cannot resolve it, and `npm ci` then
 * refuses the lock file on every machine. This adds an entry (version, os, cpu, libc; no integrity, because nobody here has
 * seen the bytes) for each exact-version optional dependency that is missing. Idempotent.
 *
 *   node scripts/complete-lockfile.mjs
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const file = path.resolve(import.meta.dirname, '../package-lock.json');
const lock = JSON.parse(readFileSync(file, 'utf8'));
const PLATFORM =
  /(?:^|[/-])(?<os>android|darwin|freebsd|linux|openharmony|win32)-(?<cpu>arm64|arm|x64|ia32|ppc64|riscv64|s390x)(?:-(?<abi>[a-z]+))?$/;

let added = 0;
for (const [location, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const platform = PLATFORM.exec(name)?.groups;
    if (platform === undefined || lock.packages[`${location}/node_modules/${name}`] || lock.packages[`node_modules/${name}`]) continue;
    lock.packages[`node_modules/${name}`] = {
      version,
      cpu: [platform.cpu],
      ...(entry.dev ? { dev: true } : {}),
      ...(platform.abi?.startsWith('musl') ? { libc: ['musl'] } : {}),
      ...(platform.abi?.startsWith('gnu') ? { libc: ['glibc'] } : {}),
      optional: true,
      os: [platform.os],
    };
    added += 1;
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).toSorted(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
process.stdout.write(`${added} platform packages added to package-lock.json\n`);
