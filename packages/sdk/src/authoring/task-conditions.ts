import { DefinitionError, FailTask, SkipTask } from '../errors.ts';
import type { TaskHandler } from './definition.ts';
import type { TaskCode } from './open-dag.ts';
import { showValue } from './show-value.ts';

/** A condition as it is kept: it answers with anything, which is checked. */
type Condition = (context: unknown) => unknown;

/** The code of a task that asks `runIf` and `skipIf` first. Throws a `DefinitionError` where they are no functions, or there is no code to skip. */
export function withConditions(
  where: string,
  { runIf, skipIf }: { readonly runIf?: unknown; readonly skipIf?: unknown },
  code: TaskCode,
): TaskCode {
  checkCondition(where, 'runIf', runIf);
  checkCondition(where, 'skipIf', skipIf);
  if (code.run === undefined || (runIf === undefined && skipIf === undefined)) return code;
  return { ...code, run: ask(code.run, { runIf: runIf as Condition | undefined, skipIf: skipIf as Condition | undefined }) };
}

function checkCondition(where: string, field: string, value: unknown): void {
  if (value === undefined || typeof value === 'function') return;
  throw new DefinitionError(where, `${field} is ${showValue(value)}; give a function of (context) that returns true or false`);
}

interface Conditions {
  readonly runIf: Condition | undefined;
  readonly skipIf: Condition | undefined;
}

function ask(run: TaskHandler, { runIf, skipIf }: Conditions): TaskHandler {
  // A sensor is called for each poke with one and the same context: the conditions belong to the try and not to the poke.
  const asked = new WeakSet();
  return async (inputs, context) => {
    if (!asked.has(context as object)) {
      if (runIf !== undefined && !(await holds('runIf', runIf, context))) throw new SkipTask('runIf does not hold');
      if (skipIf !== undefined && (await holds('skipIf', skipIf, context))) throw new SkipTask('skipIf holds');
      asked.add(context as object);
    }
    return await run(inputs, context);
  };
}

async function holds(name: string, condition: Condition, context: unknown): Promise<boolean> {
  const answer = await condition(context);
  if (typeof answer === 'boolean') return answer;
  throw new FailTask(`${name} returned ${showValue(answer)}; it must return true or false`);
}
