import type { Connection } from '../model/connections/connection.ts';
import type { Masker } from '../model/masking/masker.ts';
import type { SecretBox } from '../platform/secret-box.ts';

/** What routes may do with what the environment keeps secret; `cli` composes it. */
export interface ApiSecrets {
  readonly box: SecretBox;
  readonly masker: Masker;
  readonly lookup: {
    findVariable(key: string): Promise<{ readonly value: string; readonly source: string } | undefined>;
    findConnection(connId: string): Promise<{ readonly value: Connection; readonly source: string } | undefined>;
  };
  /** Has masked what must not be shown of a variable that was just set. */
  learnVariable(key: string, value: string): void;
  /** The same for a connection. */
  learnConnection(connection: Connection): void;
  /** Seals everything with new keys. */
  rotate(): Promise<{ readonly masterKeyId: string; readonly dataKeys: number; readonly values: number }>;
}
