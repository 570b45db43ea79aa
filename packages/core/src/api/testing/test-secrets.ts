import { Masker } from '../../model/masking/masker.ts';
import { secretsOfConnection, secretsOfVariable } from '../../model/masking/secrets-of.ts';
import { isSensitiveName } from '../../model/masking/sensitive-names.ts';
import { SecretBox } from '../../platform/secret-box.ts';
import { EXAMPLE_DATA_KEY } from '../../store/reads/testing/example-secrets.ts';
import type { ApiSecrets } from '../api-secrets.ts';

/** The secrets of a server without an environment around it: nothing but what a test tells it. */
export function createTestSecrets(): ApiSecrets {
  const masker = new Masker();
  return {
    box: new SecretBox([EXAMPLE_DATA_KEY]),
    masker,
    lookup: {
      findVariable: (key) => Promise.resolve(key === 'in_backend' ? { value: 'from the backend', source: 'test' } : undefined),
      findConnection: () => Promise.resolve(undefined),
    },
    learnVariable: (key, value) => {
      for (const secret of secretsOfVariable(key, value, isSensitiveName)) masker.add(secret);
    },
    learnConnection: (connection) => {
      for (const secret of secretsOfConnection(connection, isSensitiveName)) masker.add(secret);
    },
    rotate: () => Promise.resolve({ masterKeyId: 'new', dataKeys: 1, values: 2 }),
  };
}
