import type { JsonObject } from '@tradewind/protocol';

/** A connection with everything that is in it. What it does not have is null. */
export interface Connection {
  readonly connId: string;
  readonly connType: string;
  readonly description: string | null;
  readonly host: string | null;
  readonly schema: string | null;
  readonly login: string | null;
  readonly password: string | null;
  readonly port: number | null;
  readonly extra: JsonObject;
}

/** A connection, or why a text is none. The reason never quotes the text, which holds secrets. */
export type ReadConnection = { readonly ok: true; readonly connection: Connection } | { readonly ok: false; readonly reason: string };

const CONNECTION_ID = /^[\w.-]{1,200}$/;

/** Whether a text may name a connection: letters, digits, `_`, `.` and `-`, at most 200 of them (Airflow's rule). */
export function isConnectionId(text: string): boolean {
  return CONNECTION_ID.test(text);
}

/** Airflow's spelling of a type: `google-cloud-platform` and `google_cloud_platform` are one, and so are `postgresql` and `postgres`. */
export function normaliseConnectionType(type: string): string {
  const name = type.trim().replaceAll('-', '_');
  return name === 'postgresql' ? 'postgres' : name;
}
