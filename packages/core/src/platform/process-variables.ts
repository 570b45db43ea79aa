/** The environment variables of this process, for those who are handed them. */
export function processVariables(): Readonly<Record<string, string | undefined>> {
  return process.env;
}
