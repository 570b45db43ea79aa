/** The formats that variables and connections are imported from and exported to, by the end of a file's name. */
export const SECRET_FORMATS = ['json', 'yaml', 'env'] as const;
/** One of them. */
export type SecretFormat = (typeof SECRET_FORMATS)[number];

/** What an import does with what exists already. */
export const ACTIONS_ON_EXISTING = ['overwrite', 'fail', 'skip'] as const;
/** One of them. */
export type ActionOnExisting = (typeof ACTIONS_ON_EXISTING)[number];
