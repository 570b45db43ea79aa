import { TradewindError, messageOf, type ErrorCode } from '../../platform/errors.ts';

/**
 * Names of errors by what they mean for us. The same error has several: SQS's older protocol puts `AWS.SimpleQueueService.` before it, SNS appends
 * `Exception`; both are taken off before the look-up.
 */
const MEANINGS: Readonly<Record<string, ErrorCode>> = {
  QueueDoesNotExist: 'not_found',
  NonExistentQueue: 'not_found',
  NotFound: 'not_found',
  AccessDenied: 'forbidden',
  AuthorizationError: 'forbidden',
  'KMS.AccessDenied': 'forbidden',
  KMSAccessDenied: 'forbidden',
  KMSDisabled: 'forbidden',
  KmsAccessDenied: 'forbidden',
  KmsDisabled: 'forbidden',
  CredentialsProviderError: 'unauthenticated',
  ExpiredToken: 'unauthenticated',
  InvalidAccessKeyId: 'unauthenticated',
  InvalidClientTokenId: 'unauthenticated',
  InvalidSecurity: 'unauthenticated',
  MissingAuthenticationToken: 'unauthenticated',
  SignatureDoesNotMatch: 'unauthenticated',
  UnrecognizedClient: 'unauthenticated',
  InvalidAddress: 'bad_configuration',
  InvalidParameter: 'bad_configuration',
  InvalidParameterValue: 'bad_configuration',
  UnsupportedOperation: 'bad_configuration',
};

const WHAT_TO_DO: Readonly<Partial<Record<ErrorCode, string>>> = {
  not_found: 'Create it, or correct its name, account or region.',
  forbidden: "Allow it in the policy of the environment's role, and in the resource's own.",
  unauthenticated: 'Check the credentials and the clock.',
  bad_configuration: 'Correct the configuration.',
  broker_unavailable: 'It is tried again by itself.',
};

/** What an error of an AWS client means. Anything unknown is trouble that may pass. */
export function meaningOf(error: unknown): ErrorCode {
  return meaningOfName(error instanceof Error ? error.name : '');
}

/** The same, for the code of one entry of a batch. */
export function meaningOfName(name: string): ErrorCode {
  const plain = name.replace(/^AWS\.SimpleQueueService\./, '').replace(/(Exception)$/, '');
  return MEANINGS[plain] ?? 'broker_unavailable';
}

/** The error as one of ours. `what` says what did not work, naming the queue or topic. */
export function translateAwsError(error: unknown, what: string): TradewindError {
  const code = meaningOf(error);
  return new TradewindError(code, `${what}: ${describe(error)}. ${WHAT_TO_DO[code] ?? ''}`.trimEnd(), { cause: error });
}

/** Node gives an error without a message where every address of a host refused the connection. */
function describe(error: unknown): string {
  const message = messageOf(error).trim().replace(/\.$/, '');
  if (message !== '') return message;
  const { code, name } = error as { code?: unknown; name?: unknown };
  return typeof code === 'string' ? code : String(name);
}
