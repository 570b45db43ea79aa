/**
 * Fifteen ways in which a secret gets out, written apart from the masker's own list so that one does not prove itself. Also imported by the dag of the sweep.
 */
export const CANARY_ENCODINGS: Readonly<Record<string, (secret: string) => string>> = {
  plain: (secret) => secret,
  json: (secret) => JSON.stringify({ value: secret }),
  json_in_json: (secret) => JSON.stringify(JSON.stringify([secret])),
  python_json: (secret) =>
    JSON.stringify(secret).replaceAll(/[\u0080-\uffff]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`),
  url_component: (secret) => `https://host/?token=${encodeURIComponent(secret)}&x=1`,
  url_userinfo: (secret) =>
    `https://ada:${encodeURIComponent(secret).replaceAll(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)}@host/`,
  form: (secret) => new URLSearchParams({ token: secret }).toString(),
  html: (secret) =>
    secret.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;').replaceAll("'", '&#39;'),
  base64: (secret) => Buffer.from(secret).toString('base64'),
  base64_after_one: (secret) => Buffer.from(`a${secret}`).toString('base64'),
  basic_auth: (secret) => `Basic ${Buffer.from(`ad:${secret}`).toString('base64')}`,
  base64url: (secret) => Buffer.from(`xy${secret}`).toString('base64url'),
  hex: (secret) => Buffer.from(secret).toString('hex'),
  shell: (secret) => `'${secret.replaceAll("'", `'\\''`)}'`,
  shell_escaped: (secret) => secret.replaceAll(/[^\w@%+=:,./-]/g, String.raw`\$&`),
};

/** The part of a secret that an encoding gives away wherever it stands: what must not be found. */
export function traceOf(encoding: string, secret: string): string {
  const encoded = CANARY_ENCODINGS[encoding]?.(secret) ?? secret;
  switch (encoding) {
    case 'json':
      return encoded.slice('{"value":"'.length, -'"}'.length);
    case 'json_in_json':
      return encoded.slice('"[\\"'.length, -'\\"]"'.length);
    case 'python_json':
    case 'shell':
      return encoded.slice(1, -1);
    case 'url_component':
    case 'form':
      return encoded.replace(/^.*?token=/, '').replace(/&x=1$/, '');
    case 'url_userinfo':
      return encoded.slice('https://ada:'.length, -'@host/'.length);
    // The first and last characters depend on what stands around the secret, too.
    case 'base64':
      return encoded.replaceAll('=', '').slice(0, -2);
    case 'base64_after_one':
      return encoded.replaceAll('=', '').slice(4, -2);
    case 'basic_auth':
      return encoded.replaceAll('=', '').slice('Basic '.length + 4, -2);
    case 'base64url':
      return encoded.slice(4, -2);
    default:
      return encoded;
  }
}
