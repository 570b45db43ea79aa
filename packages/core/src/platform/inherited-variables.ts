/** The environment's variables of this process with some of them set anew, for a process of our own that is started from it. */
export function inheritVariables(changes: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  return { ...process.env, ...changes };
}

/** Whether `TRADEWIND__LOG__LEVEL=debug` asks for everything that is known, stack traces included. */
export function isDebugRequested(): boolean {
  return process.env['TRADEWIND__LOG__LEVEL'] === 'debug';
}
