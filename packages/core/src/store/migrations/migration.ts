import type { Dialect } from '../database.ts';

/** A step of the schema. Steps only go forward, and the release before must still run on the result. */
export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly statements: (dialect: Dialect) => readonly string[];
}
