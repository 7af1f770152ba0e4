import { S3ServiceException } from '@aws-sdk/client-s3';
import { CloudError } from '#shared/errors.ts';

const ourFault = new Set(['AuthorizationHeaderMalformed', 'InvalidBucketName']);

/** The HTTP status with which the store answered; `undefined` when it never did. */
export function s3Status(error: unknown): number | undefined {
  return error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
}

/** Whether the store said that the bucket, not the object, is missing. */
export function isMissingBucket(error: unknown): boolean {
  return error instanceof S3ServiceException && error.name === 'NoSuchBucket';
}

/**
 * A failure of the store as a {@link CloudError}: `OFC_CONFIG` if it refused us (401, 403, a wrong
 * region or bucket name, a clock that is off), else `OFC_UPSTREAM`. Says the operation and the endpoint; never an
 * object's key or a credential.
 */
export function s3Error(error: unknown, operation: string, endpoint: string): CloudError {
  if (error instanceof CloudError) return error;
  const status = s3Status(error);
  const name = error instanceof Error ? error.name : 'Error';
  if (status === 401 || status === 403 || ourFault.has(name)) {
    return new CloudError(
      'OFC_CONFIG',
      `The object store at ${endpoint} refused to ${operation} (${name}).`,
      {
        hint: 'Check s3_bucket, s3_region, the secrets s3-access-key and s3-secret-key, and the clock of this machine.',
        cause: error,
      },
    );
  }
  const why =
    status === undefined
      ? `could not be reached: ${networkCode(error)}`
      : `answered ${status} ${name}`;
  return new CloudError(
    'OFC_UPSTREAM',
    `The object store at ${endpoint} ${why}; it was asked to ${operation}.`,
    { cause: error },
  );
}

function networkCode(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error';
  return (error as NodeJS.ErrnoException).code ?? error.name;
}
