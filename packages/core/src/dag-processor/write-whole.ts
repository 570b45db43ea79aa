import { rename, rm, stat, writeFile } from 'node:fs/promises';

/**
 * Writes a file that is named after its content: whoever finds it finds all of it. A file that is there already, with the right size, is
 * left as it is.
 */
export async function writeWhole(file: string, content: string | Uint8Array): Promise<void> {
  const bytes = typeof content === 'string' ? Buffer.byteLength(content) : content.byteLength;
  if ((await sizeOf(file)) === bytes) return;
  const unfinished = `${file}.${process.pid}.unfinished`;
  try {
    await writeFile(unfinished, content);
    await rename(unfinished, file);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
}

async function sizeOf(file: string): Promise<number | undefined> {
  try {
    return (await stat(file)).size;
  } catch {
    return undefined;
  }
}
