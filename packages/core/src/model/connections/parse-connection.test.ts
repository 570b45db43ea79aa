import { describe, expect, test } from 'vitest';
import type { Connection } from './connection.ts';
import { writeConnectionUri } from './connection-uri.ts';
import { parseConnection, writeConnectionFields } from './parse-connection.ts';

const NOTHING: Connection = {
  connId: 'c',
  connType: 'http',
  description: null,
  host: null,
  schema: null,
  login: null,
  password: null,
  port: null,
  extra: {},
};

const URIS: readonly (readonly [string, Partial<Connection>])[] = [
  [
    'postgresql://ada:s3cr%40t@db.example.org:5432/sales?sslmode=require',
    {
      connType: 'postgres',
      login: 'ada',
      password: 's3cr@t',
      host: 'db.example.org',
      port: 5432,
      schema: 'sales',
      extra: { sslmode: 'require' },
    },
  ],
  ['http://', {}],
  ['http://example.org', { host: 'example.org' }],
  ['google-cloud-platform://?project=p', { connType: 'google_cloud_platform', extra: { project: 'p' } }],
  ['aws://key:a%2Fb%2Bc%3D@/?region_name=eu', { connType: 'aws', login: 'key', password: 'a/b+c=', extra: { region_name: 'eu' } }],
  ['http://https://example.org:8443/v1', { host: 'https://example.org', port: 8443, schema: 'v1' }],
  ['http://:only-password@host', { password: 'only-password', host: 'host' }],
  ['http://user%3Aname:pass%25word@host', { login: 'user:name', password: 'pass%word', host: 'host' }],
  ['http://[2001:db8::1]:80', { host: '2001:db8::1', port: 80 }],
  ['http://host/a%2Fb', { host: 'host', schema: 'a/b' }],
  ['http://host/?__extra__=%7B%22a%22%3A%7B%22b%22%3A1%7D%7D', { host: 'host', extra: { a: { b: 1 } } }],
  ['http://user@mail.org:pw@host', { login: 'user@mail.org', password: 'pw', host: 'host' }],
];

describe('a URI', () => {
  test.each(URIS)('%s is read', (uri, parts) => {
    expect(parseConnection('c', uri)).toEqual({ ok: true, connection: { ...NOTHING, ...parts } });
  });

  test.each(URIS)('%s means the same when it is written and read again', (_, parts) => {
    const connection = { ...NOTHING, ...parts };
    expect(parseConnection('c', writeConnectionUri(connection))).toEqual({ ok: true, connection });
  });

  test.each([
    ['no scheme', 'host:5432'],
    ['"#"', 'http://user:pa#ss@host'],
    ['a port that is too great', 'http://host:99999'],
    ['an extra that is no object', 'http://host/?__extra__=[1]'],
    ['an extra that is no JSON', 'http://host/?__extra__={'],
  ])('with %s is refused without being quoted', (_, uri) => {
    const read = parseConnection('c', uri);
    expect(read).toMatchObject({ ok: false });
    expect(read.ok ? '' : read.reason).not.toMatch(/host:|pa#ss/);
  });
});

describe('JSON', () => {
  test('is read in the fields of Airflow', () => {
    const text = '{"conn_type":"my-type","login":"ada","password":"pw","host":"h","port":"80","schema":"s","extra":{"a":1}}';
    expect(parseConnection('c', text)).toEqual({
      ok: true,
      connection: { ...NOTHING, connType: 'my_type', login: 'ada', password: 'pw', host: 'h', port: 80, schema: 's', extra: { a: 1 } },
    });
  });

  test('may have its extra as a text', () => {
    expect(parseConnection('c', '{"conn_type":"http","extra":"{\\"a\\":1}"}')).toMatchObject({ connection: { extra: { a: 1 } } });
  });

  test('means the same when it is written and read again', () => {
    const connection = { ...NOTHING, description: 'd', password: 'p', extra: { list: [1, { a: null }] } };
    expect(parseConnection('c', JSON.stringify(writeConnectionFields(connection)))).toEqual({ ok: true, connection });
  });

  test.each([
    ['{"conn_type":', 'it begins as JSON does, and is none'],
    ['{"host":"h"}', 'conn_type is missing'],
    ['{"conn_type":"http","passwort":"s3cret"}', '"passwort" is no field of a connection'],
    ['{"conn_type":"http","port":"many"}', 'port is no whole number'],
    ['{"conn_type":"http","login":7}', 'login is no text'],
    ['{"conn_type":"http","extra":"text"}', 'extra is no JSON object'],
  ])('%s is refused', (text, reason) => {
    const read = parseConnection('c', text);
    expect(read.ok ? '' : read.reason).toContain(reason);
    expect(read.ok ? '' : read.reason).not.toContain('s3cret');
  });
});
