import { registerHooks } from 'node:module';

/**
 * Has Node load what strips types, which it does when it first meets types that its cache does not know: tens of milliseconds that are over when the text of a dag
 * file comes. Leaves nothing else behind.
 */
export async function loadTypeStripper(): Promise<void> {
  const url = new URL('no-module.ts', import.meta.url).href;
  const hooks = registerHooks({
    resolve: (specifier, context, nextResolve) => (specifier === url ? { url, shortCircuit: true } : nextResolve(specifier, context)),
    load: (loaded, context, nextLoad) =>
      // Another text each time, which no cache knows.
      loaded === url ? { format: 'module-typescript', source: `// ${process.pid}`, shortCircuit: true } : nextLoad(loaded, context),
  });
  try {
    await import(url);
  } finally {
    hooks.deregister();
  }
}
