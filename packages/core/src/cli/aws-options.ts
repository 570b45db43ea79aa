import type { AwsOptions } from '../federation/transports/aws-options.ts';
import type { EnvironmentConfig } from '../platform/config.ts';

/** Where AWS is for an environment, and as whom it speaks to it. */
export function awsOptions({ aws }: Pick<EnvironmentConfig, 'aws'>): AwsOptions {
  const { region, accountId, endpoint, accessKeyId, secretAccessKey } = aws;
  return {
    region,
    accountId,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(accessKeyId === undefined || secretAccessKey === undefined ? {} : { credentials: { accessKeyId, secretAccessKey } }),
  };
}
