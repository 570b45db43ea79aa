/** The session cookie of the pages, as the environment is reached over https or not. */
export interface SessionCookie {
  /** Finds the session's token in the header `cookie`. */
  read(header: string | undefined): string | undefined;
  /** The header `set-cookie` that begins a session. */
  begin(token: string, seconds: number): string;
  /** The header `set-cookie` that ends it. */
  end(): string;
}

/**
 * Makes the session cookie: out of reach for scripts, and never sent along from another site. Browsers do not tell ports apart, so environments on
 * one host have cookies of their own names.
 */
export function createSessionCookie(environmentName: string, isHttps: boolean): SessionCookie {
  // `__Host-` binds the cookie to this very host, but browsers take it over https only.
  const name = `${isHttps ? '__Host-' : ''}tradewind-${environmentName.replaceAll(/[^A-Za-z0-9_-]/g, '-')}`;
  const attributes = `Path=/; HttpOnly; SameSite=Strict${isHttps ? '; Secure' : ''}`;
  return {
    read(header) {
      const found = (header ?? '').split(';').find((part) => part.trimStart().startsWith(`${name}=`));
      return found?.trimStart().slice(name.length + 1);
    },
    begin: (token, seconds) => `${name}=${token}; Max-Age=${seconds}; ${attributes}`,
    end: () => `${name}=; Max-Age=0; ${attributes}`,
  };
}
