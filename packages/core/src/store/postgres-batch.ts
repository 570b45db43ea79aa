import type { ClientBase } from 'pg';
import { sqlDialect, type SqlValue, type Statement } from './database.ts';

/**
 * Runs a batch as one message. For each sequence of statements that occurs, the connection gets a temporary function of its own whose body is these
 * statements, one after the other; the batch is then a single call, which PostgreSQL makes a transaction by itself. Each statement in the function sees what the one before
 * it did, as it would on its own. Ten messages for a tick became one: most of what a tick cost was sending and reading messages.
 */
export interface BatchRunner {
  run(client: ClientBase, statements: readonly Statement<unknown>[]): Promise<unknown[][]>;
}

interface CompiledBatch {
  readonly name: string;
  readonly call: string;
}

interface StepRow {
  readonly step: number;
  readonly row: unknown;
}

const spelling = sqlDialect('postgres');

/** A runner for the connections of one pool; what it learns about statements holds for all of them. */
export function createBatchRunner(): BatchRunner {
  const parameterTypes = new Map<string, readonly string[]>();
  const compiled = new WeakMap<ClientBase, Map<string, Promise<CompiledBatch>>>();
  let functions = 0;

  const compile = async (client: ClientBase, statements: readonly Statement<unknown>[]): Promise<CompiledBatch> => {
    const types: string[] = [];
    const steps: string[] = [];
    const counted = new Set(statements.flatMap(({ needlessAfter }) => needlessAfter?.names ?? []));
    for (const [step, statement] of statements.entries()) {
      const own = parameterTypes.get(statement.name) ?? (await describeParameters(client, statement));
      parameterTypes.set(statement.name, own);
      const text = stepOf(step, shiftPlaceholders(statement.text(spelling), types.length), counted.has(statement.name));
      types.push(...own, ...(statement.needlessAfter === undefined ? [] : ['integer']));
      steps.push(unlessNeedless(statement, text, { before: statements.slice(0, step), parameter: types.length }));
    }
    functions += 1;
    const name = `batch_${functions}`;
    await client.query(
      `create function pg_temp.${name}(${types.join(', ')}) returns table (step integer, "row" json) language plpgsql as $body$\n` +
        `#variable_conflict use_column\ndeclare ${countersOf(statements, counted)}\nbegin\n${steps.join('\n')}\nend $body$`,
    );
    const placeholders = types.map((_, index) => `$${index + 1}`).join(', ');
    return { name, call: `select step, "row" from pg_temp.${name}(${placeholders})` };
  };

  return {
    async run(client, statements) {
      const known = compiled.getOrInsertComputed(client, () => new Map<string, Promise<CompiledBatch>>());
      const shape = statements.map(({ name }) => name).join(' ');
      let batch = known.get(shape);
      if (batch === undefined) {
        batch = compile(client, statements);
        known.set(shape, batch);
        batch.catch(() => known.delete(shape));
      }
      const { name, call } = await batch;
      const { rows } = await client.query<StepRow>({ name, text: call, values: statements.flatMap(valuesOf) });
      const results: unknown[][] = statements.map(() => []);
      for (const { step, row } of rows) results[step]?.push(row);
      return results;
    },
  };
}

/** What PostgreSQL takes each placeholder of a statement for: a function's parameters need types that a statement's have by inference. */
async function describeParameters(client: ClientBase, statement: Statement<unknown>): Promise<readonly string[]> {
  if (statement.values.length === 0) return [];
  const name = `describe_${statement.name}`;
  await client.query(`prepare ${name} as ${statement.text(spelling)}`);
  const { rows } = await client.query<{ types: string[] }>({
    text: 'select parameter_types::text[] as types from pg_prepared_statements where name = $1',
    values: [name],
  });
  await client.query(`deallocate ${name}`);
  return rows[0]?.types ?? [];
}

/** A variable for each step of which a later one wants to know how many rows it has returned. */
function countersOf(statements: readonly Statement<unknown>[], counted: ReadonlySet<string>): string {
  return statements.flatMap(({ name }, step) => (counted.has(name) ? [`rows_${step} integer := 0;`] : [])).join(' ');
}

/** A statement as a step of the function: what it returns comes back with the number of the step. */
function stepOf(step: number, text: string, isCounted: boolean): string {
  const statement = text.trim();
  const count = isCounted ? `get diagnostics rows_${step} = row_count;` : '';
  if (/^select\b/i.test(statement)) return `return query select ${step}, to_json(r) from (${statement}) as r; ${count}`;
  if (/\breturning\b/i.test(statement)) return `return query with r as (${statement}) select ${step}, to_json(r) from r; ${count}`;
  return `${statement};`;
}

/** A step that is left out where those before it have returned as many rows as the parameter behind its own says. */
function unlessNeedless(
  { needlessAfter }: Statement<unknown>,
  text: string,
  { before, parameter }: { readonly before: readonly Statement<unknown>[]; readonly parameter: number },
): string {
  if (needlessAfter === undefined) return text;
  const counts = before.flatMap(({ name }, step) => (needlessAfter.names.includes(name) ? [`rows_${step}`] : []));
  return `if ${['0', ...counts].join(' + ')} <> $${parameter} then ${text} end if;`;
}

function valuesOf({ values, needlessAfter }: Statement<unknown>): readonly SqlValue[] {
  return needlessAfter === undefined ? values : [...values, needlessAfter.rows];
}

function shiftPlaceholders(text: string, offset: number): string {
  return text.replaceAll(/\$(\d+)/g, (_, number: string) => `$${Number(number) + offset}`);
}
