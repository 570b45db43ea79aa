import { createRequire } from 'node:module';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
const file = path.join(tmpdir(), `crashes-${process.pid}.node`);
writeFileSync(file, 'no machine code');
try {
  createRequire(import.meta.url)(file);
} catch {
  process.kill(process.pid, 'SIGSEGV');
}
await new Promise(() => {});
