/** Airflow's `DEFAULT_SENSITIVE_FIELDS`: a name that holds one of these names a secret. */
const SENSITIVE_PARTS = [
  'access_key',
  'access_token',
  'api_key',
  'apikey',
  'authorization',
  'connection_string',
  'keyfile_dict',
  'passphrase',
  'passwd',
  'password',
  'private_key',
  'proxies',
  'proxy',
  'proxy_password',
  'secret',
  'service_account',
  'token',
] as const;

/** Whether a name says that its value is secret: of a variable, of a field of a connection's extra, of a log record. */
export type IsSensitiveName = (name: string) => boolean;

/**
 * Airflow's rule: a name is sensitive where it contains one of the known words, whatever its case.
 * @param more further words (Airflow's `sensitive_var_conn_names`)
 */
export function sensitiveNames(more: readonly string[] = []): IsSensitiveName {
  const parts = [...SENSITIVE_PARTS, ...more.map((name) => name.trim().toLowerCase()).filter((name) => name !== '')];
  return (name) => {
    const lower = name.trim().toLowerCase();
    return parts.some((part) => lower.includes(part));
  };
}

/** With Airflow's words alone. */
export const isSensitiveName: IsSensitiveName = sensitiveNames();
