import { FailTask } from '../../errors.ts';
import type { TaskContext } from '../task-context.ts';

/** Linux hands a process no variable that is longer, its name included (`MAX_ARG_STRLEN`, execve(2)). */
const MAX_VARIABLE_BYTES = 131_071;

/**
 * The environment variables that tell a script about its try: `INPUT_<NAME>`, `PARAM_<NAME>`, `TRADEWIND_…`.
 * @throws FailTask where a value cannot be one, or two names become the same
 */
export function scriptEnvironment(inputs: Readonly<Record<string, unknown>>, context: TaskContext): Readonly<Record<string, string>> {
  return {
    ...variables('INPUT', 'input', inputs),
    ...variables('PARAM', 'param', context.params),
    TRADEWIND_DAG_ID: context.dagId,
    TRADEWIND_RUN_ID: context.runId,
    TRADEWIND_TASK_ID: context.taskId,
    TRADEWIND_TRY_NUMBER: String(context.tryNumber),
    ...(context.logicalDate === null ? {} : { TRADEWIND_LOGICAL_DATE: context.logicalDate.toString() }),
  };
}

function variables(prefix: string, what: string, values: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  const named: Record<string, string> = {};
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) continue;
    const variable = `${prefix}_${name.toUpperCase().replaceAll(/[^A-Z0-9_]/g, '_')}`;
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    if (Object.hasOwn(named, variable)) throw new FailTask(`two ${what}s would both be $${variable}; rename ${what} "${name}"`);
    if (text.includes('\0')) throw new FailTask(`${what} "${name}" contains the character NUL, which no environment variable can`);
    const bytes = Buffer.byteLength(variable) + 1 + Buffer.byteLength(text);
    if (bytes > MAX_VARIABLE_BYTES) {
      throw new FailTask(
        `${what} "${name}" takes ${bytes} bytes as $${variable}, and at most ${MAX_VARIABLE_BYTES} fit; pass the name of a file instead`,
      );
    }
    named[variable] = text;
  }
  return named;
}
