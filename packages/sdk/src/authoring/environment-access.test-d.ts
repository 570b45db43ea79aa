import type { JsonValue } from '@tradewind/protocol';
import { expectTypeOf } from 'vitest';
import type { Connection, EnvironmentAccess } from './environment-access.ts';

declare const context: EnvironmentAccess;
const parseLimits = (value: JsonValue): { readonly rows: number } => value as { readonly rows: number };

expectTypeOf(context.variable('a')).resolves.toEqualTypeOf<string>();
expectTypeOf(context.variable('a', { default: null })).resolves.toEqualTypeOf<string | null>();
expectTypeOf(context.variable('a', { default: 7 })).resolves.toEqualTypeOf<string | number>();
expectTypeOf(context.variable('a', { json: true })).resolves.toEqualTypeOf<JsonValue>();
expectTypeOf(context.variable('a', { json: true, parse: parseLimits })).resolves.toEqualTypeOf<{ readonly rows: number }>();
expectTypeOf(context.variable('a', { json: true, parse: parseLimits, default: { rows: 1 } })).resolves.toEqualTypeOf<{
  readonly rows: number;
}>();
// @ts-expect-error a default must be what parse returns
void context.variable('a', { json: true, parse: parseLimits, default: 'none' });
// @ts-expect-error a text is not parsed
void context.variable('a', { parse: parseLimits });

expectTypeOf(context.connection('a')).resolves.toEqualTypeOf<Connection>();
expectTypeOf(context.xcom.pull({ taskId: 'a' })).resolves.toEqualTypeOf<JsonValue | undefined>();
expectTypeOf(context.xcom.pull({ taskId: 'a', default: 0 })).resolves.toExtend<JsonValue>();
// @ts-expect-error where a value is looked for is an object
void context.xcom.pull('a');
