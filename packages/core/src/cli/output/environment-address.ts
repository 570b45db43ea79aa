import path from 'node:path';
import type { EnvironmentConfig } from '../../platform/config.ts';

/** Where the password of the administrator of an environment is kept, as people on this machine would type it. */
export function passwordFile({ stateFolder }: EnvironmentConfig): string {
  const file = path.join(stateFolder, 'admin-password');
  const relative = path.relative(process.cwd(), file);
  return relative.startsWith('..') ? file : relative;
}

/** How to get in: the password itself where it was made just now, which is the only time that it is shown. */
export function describeLogin(config: EnvironmentConfig, newPassword: string | undefined): string {
  const file = passwordFile(config);
  return newPassword === undefined ? `user admin, password in ${file}` : `user admin, password ${newPassword} (kept in ${file})`;
}
