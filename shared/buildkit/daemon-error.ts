import { type ServiceError, status } from '@grpc/grpc-js';
import { CloudError, errorMessage } from '../errors.ts';

/** Whether it is an error of grpc-js. */
function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error && 'details' in error;
}

const gone =
  /connection (?:dropped|reset|refused|error)|transport is closing|no active session|session .* not found|RST_STREAM|ECONNRE|EPIPE|ENOENT|grpc: the client connection is closing|server is shutting down|error reading from server|context canceled/i;
/** BuildKit's own scanner, which it pulls from Docker Hub. */
const scannerMissing = /buildkit-syft-scanner(?!.*did not complete successfully)/s;
const badTls = /certificate|handshake|tls|ssl|wrong version number/i;
const refusedLogin =
  /\b401\b|\b403\b|unauthorized|authorization failed|authentication required|no basic auth|access denied|insufficient.scope|failed to authorize|denied: requested access/i;

/**
 * What a daemon's error means for a build: `OFC_BUILD_FAILED` with the daemon's own words, or
 * `OFC_UPSTREAM` (gone, or broken off: worth another try), `OFC_BUSY`, `OFC_TIMEOUT` (ended by
 * `signal`), `OFC_CONFIG` (certificates, registry credentials).
 *
 * @param daemon Its address, for the text.
 */
export function daemonError(
  error: unknown,
  daemon: string,
  signal: AbortSignal,
  image = '',
): CloudError {
  if (error instanceof CloudError) return error;
  if (signal.aborted) return new CloudError('OFC_TIMEOUT', 'The build was ended.');
  const code = isServiceError(error) ? error.code : undefined;
  const text = (isServiceError(error) ? error.details : errorMessage(error)).slice(0, 4096);
  if (code === status.UNAVAILABLE || code === status.DEADLINE_EXCEEDED) {
    if (badTls.test(text)) {
      return new CloudError('OFC_CONFIG', `No safe connection to BuildKit at ${daemon}: ${text}`, {
        hint: 'Check buildkit-ca-cert, buildkit-client-cert and buildkit-client-key.',
        cause: error,
      });
    }
    return lost(daemon, text, error);
  }
  if (code === status.RESOURCE_EXHAUSTED) {
    return new CloudError('OFC_BUSY', `BuildKit at ${daemon} is busy.`, { cause: error });
  }
  if (code === status.CANCELLED || code === status.INTERNAL || code === undefined) {
    return lost(daemon, text, error);
  }
  if (gone.test(text) && !/did not complete successfully|exit code/.test(text)) {
    return lost(daemon, text, error);
  }
  if (scannerMissing.test(text)) {
    return new CloudError(
      'OFC_CONFIG',
      `BuildKit cannot get the image that makes the SBOM: ${text}`,
      {
        hint: 'The operator has to name a copy of it that BuildKit can pull in build_sbom, or set build_sbom to none.',
        cause: error,
      },
    );
  }
  if (refusedLogin.test(text)) return refused(text, image, error);
  return new CloudError('OFC_BUILD_FAILED', `The image did not build: ${text}`, {
    hint: 'See the build log.',
    cause: error,
  });
}

function lost(daemon: string, why: string, cause: unknown): CloudError {
  return new CloudError('OFC_UPSTREAM', `BuildKit at ${daemon} is gone (${why}).`, { cause });
}

/** Ours, if it is the registry that we push to; a base image that nobody may have is the user's. */
function refused(text: string, image: string, cause: unknown): CloudError {
  const host = image.split('/')[0] ?? '';
  if (/\bpush|export/i.test(text) && host !== '') {
    return new CloudError('OFC_CONFIG', `The registry ${host} refused the credentials: ${text}`, {
      hint: 'Check the entry of this registry in the secret docker-config.',
      cause,
    });
  }
  return new CloudError('OFC_BUILD_FAILED', `A registry refused the credentials: ${text}`, {
    hint: 'A base image is private or does not exist: name a public one, or ask the operator to add its registry to the secret docker-config.',
    cause,
  });
}
