/** What each sealed value is bound to: its table, its row and its column. */
export const placeOfVariable = (key: string): string => `variable|${key}|value`;

/** The same for the sealed columns of a connection. */
export const placeOfConnection = (connId: string, column: 'password' | 'extra'): string => `connection|${connId}|${column}`;
