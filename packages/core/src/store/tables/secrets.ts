/** What is sealed, and who was given it. */

/** A key that values are sealed with; itself sealed with a master key that is not in the database (adr/0014). */
export interface DataKeyTable {
  id: string;
  wrapped: string;
  masterKeyId: string;
  createdAt: number;
}

export interface VariableTable {
  key: string;
  /** Sealed. */
  value: string;
  description: string | null;
  createdAt: number;
  updatedAt: number;
}

export interface ConnectionTable {
  connId: string;
  connType: string;
  description: string | null;
  host: string | null;
  schemaName: string | null;
  login: string | null;
  /** Sealed. */
  password: string | null;
  port: number | null;
  /** JSON object, sealed. */
  extra: string | null;
  createdAt: number;
  updatedAt: number;
}

/** What became of an attempt's wish for a variable or connection. */
export type SecretFetchOutcome = 'given' | 'missing' | 'refused';

/** Which attempt was given, or refused, which variable or connection. */
export interface SecretFetchTable {
  taskInstanceId: string;
  epoch: number;
  kind: 'variable' | 'connection';
  name: string;
  dagId: string;
  runId: string;
  taskId: string;
  mapIndex: number;
  tryNumber: number;
  outcome: SecretFetchOutcome;
  /** Where it was found: `database`, `environment` or the name of a secrets backend. */
  source: string | null;
  fetches: number;
  firstAt: number;
  lastAt: number;
}
