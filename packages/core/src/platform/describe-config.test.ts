import { expect, test } from 'vitest';
import { loadConfig } from './config.ts';
import { describeConfig, HIDDEN } from './describe-config.ts';

test('a setting is shown only where somebody has decided that it is no secret', () => {
  const config = loadConfig('/tmp/none', {
    TRADEWIND__SECRETS__KEY: 'c2VjcmV0',
    TRADEWIND__SECRETS__ALLOWED_VARIABLES: 'region, limits*',
    TRADEWIND__DATABASE__URL: 'postgres://ada:hunter2x@db/sales',
    TRADEWIND__AWS__SECRET_ACCESS_KEY: 'hunter3x',
  });
  const sections = describeConfig(config);
  expect(JSON.stringify(sections)).not.toMatch(/hunter|c2VjcmV0/);
  const valueOf = (section: string, option: string) =>
    sections.find(({ name }) => name === section)?.options.find(({ key }) => key === option)?.value;
  expect(valueOf('secrets', 'key')).toBe(HIDDEN);
  expect(valueOf('database', 'url')).toBe(HIDDEN);
  expect(valueOf('aws', 'secretAccessKey')).toBe(HIDDEN);
  expect(valueOf('secrets', 'allowedVariables')).toBe('region,limits*');
  expect(valueOf('executor', 'parallelism')).toBe('32');
});
