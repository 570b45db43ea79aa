import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DefinitionError, SdkError, SkipTask } from '../../errors.ts';
import { checkScriptTemplate } from '../../templates/check-script-template.ts';
import { SCRIPT_VALUES_FIELD } from '../../templates/render-fields.ts';
import { checkFields, readText } from '../check-fields.ts';
import { showValue } from '../show-value.ts';
import type { TaskContext } from '../task-context.ts';
import type { OperatorSpec } from '../task-spec.ts';
import { runScript, type ScriptEnd } from './run-script.ts';
import { scriptEnvironment } from './script-environment.ts';

/** What a bash task runs. */
export interface BashOptions {
  /**
   * The script's text, a template. What the template puts in reaches the script as a variable (`"${TRADEWIND_VALUE_1}"`), so no value can become code; in double
   * quotes it stays one word, in single quotes it could not be seen and is refused.
   */
  readonly command: string;
  /** `$1`, `$2`, … of the script; templates. @default [] */
  readonly args?: readonly string[];
  /** Environment variables beside those of the process, the inputs and the params; these win; their values are templates. @default {} */
  readonly env?: Readonly<Record<string, string>>;
  /** The folder that the script runs in; a template. @default a new folder, removed afterwards */
  readonly cwd?: string;
}

/** Airflow's `skip_on_exit_code`. */
const SKIP_EXIT_CODE = 99;
const MAX_COMMAND_LENGTH = 100_000;

/**
 * A task that runs a bash script. The last line on its standard output is the value. Exit code 0 is success, 99 skips the task, any other
 * fails the try. All processes of the script end with the try.
 *
 * Values reach the script as environment variables: the task's inputs as `INPUT_<NAME>`, the run's params as `PARAM_<NAME>` (text as it is,
 * anything else as JSON; names in capitals, other characters than letters and digits as `_`; no variable where an input is missing), and
 * `TRADEWIND_DAG_ID`, `TRADEWIND_RUN_ID`, `TRADEWIND_TASK_ID`, `TRADEWIND_TRY_NUMBER`, `TRADEWIND_LOGICAL_DATE`. Quote them: "$INPUT_FILE".
 *
 * @example
 * const file = d.task('find', { ...bash({ command: 'ls /data/"$PARAM_REGION" | tail -1' }), retries: 5 });
 * d.task('count', { ...bash({ command: 'wc -l < "$INPUT_FILE"' }), inputs: { file } });
 */
export function bash(options: BashOptions): OperatorSpec<Promise<string>> {
  const checked = readBashOptions(options);
  return {
    operator: 'bash',
    fields: { ...checked },
    templateFields: Object.keys(checked),
    run: (inputs, context) => runBash({ ...checked, ...context.fields }, inputs, context),
  };
}

/** The options with their templates rendered, and the values that the script's template puts in. */
export interface RenderedBashOptions extends BashOptions {
  readonly [SCRIPT_VALUES_FIELD]?: Readonly<Record<string, string>>;
}

async function runBash(options: RenderedBashOptions, inputs: Readonly<Record<string, unknown>>, context: TaskContext): Promise<string> {
  return readEnd(await runRendered(options, inputs, context));
}

/** Runs a script whose options have been checked and rendered, in its own folder or a new one, and says how it ended. */
export async function runRendered(
  options: RenderedBashOptions,
  inputs: Readonly<Record<string, unknown>>,
  context: TaskContext,
): Promise<ScriptEnd> {
  const { command, args = [], cwd } = options;
  const env = { ...process.env, ...scriptEnvironment(inputs, context), ...options.env, ...options[SCRIPT_VALUES_FIELD] };
  const folder = cwd ?? (await mkdtemp(path.join(tmpdir(), 'tradewind-bash-')));
  try {
    return await runScript({ command, args, env, cwd: folder, signal: context.signal });
  } finally {
    if (cwd === undefined) await rm(folder, { recursive: true, force: true });
  }
}

/** What a script that should have succeeded passes on. Throws where it did not succeed. */
export function readEnd({ exitCode, signal, lastLine, lastErrorLine }: ScriptEnd): string {
  if (exitCode === 0) return lastLine;
  if (exitCode === SKIP_EXIT_CODE) throw new SkipTask(`the script ended with exit code ${SKIP_EXIT_CODE}, which skips`);
  const how = signal === null ? `ended with exit code ${exitCode}` : `was ended by ${signal}`;
  const hint = lastErrorLine === '' ? '' : `; the last line on its standard error: ${lastErrorLine}`;
  throw new SdkError('command_failed', `the script ${how}${hint}`);
}

/** Checks what `bash()`, or an operator like it, was given. Throws a `DefinitionError` naming the field. */
export function readBashOptions(options: unknown, where = 'bash()'): BashOptions {
  const fields = checkFields(where, 'its options', options, { command: true, args: true, env: true, cwd: true });
  const command = readText(where, 'command', fields.command, MAX_COMMAND_LENGTH) ?? '';
  if (command.trim() === '') throw new DefinitionError(where, "command is missing; give the script's text, such as { command: 'date' }");
  checkScriptTemplate(where, command);
  if (command.includes('\0')) throw new DefinitionError(where, 'command contains the character NUL, which no script can');
  const cwd = readText(where, 'cwd', fields.cwd, 4_096);
  return { command, args: readArgs(where, fields.args), env: readEnv(where, fields.env), ...(cwd === undefined ? {} : { cwd }) };
}

function readArgs(where: string, value: unknown): readonly string[] {
  if (value === undefined) return [];
  if (Array.isArray(value) && value.every(isPlainText)) return [...value];
  throw new DefinitionError(
    where,
    `args is ${showValue(value)}; give a list of texts. Values of other tasks reach the script as "$INPUT_<NAME>"`,
  );
}

function readEnv(where: string, value: unknown): Readonly<Record<string, string>> {
  if (value === undefined) return {};
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new DefinitionError(where, `env is ${showValue(value)}; give an object of texts`);
  }
  for (const [name, text] of Object.entries(value)) {
    if (/^[A-Za-z_]\w*$/.test(name) && isPlainText(text)) continue;
    throw new DefinitionError(
      where,
      `env.${name} is ${showValue(text)}; names are letters, digits and '_', values are texts. Values of other tasks reach the script as "$INPUT_<NAME>"`,
    );
  }
  return { ...value };
}

function isPlainText(value: unknown): value is string {
  return typeof value === 'string' && !value.includes('\0');
}
