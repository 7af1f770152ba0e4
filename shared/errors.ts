/**
 * Every error the platform raises on purpose, in one table.
 *
 * Three kinds decide what happens next:
 * - `user`: the pushed repo or the request is wrong. Shown in the check with the fix; never retried.
 * - `retry`: something was unreachable or busy. The step is tried again.
 * - `final`: the platform or its configuration is wrong. Not retried; the operator must act.
 *
 * @module
 */

/** What to do about an error: see the module comment. */
export type ErrorKind = 'user' | 'retry' | 'final';

interface ErrorCodeInfo {
  readonly kind: ErrorKind;
  /** The HTTP status with which a function answers when this error ends a request. */
  readonly status: number;
  /** One line for the table in the docs. */
  readonly meaning: string;
}

/** All stable codes. Documented in `docs/errors.md`; a test compares the two. */
export const errorCodes = {
  OFC_BAD_REQUEST: { kind: 'user', status: 400, meaning: 'A request is malformed.' },
  OFC_UNAUTHENTICATED: {
    kind: 'user',
    status: 401,
    meaning: 'A signature, token or credential is missing, wrong or out of date.',
  },
  OFC_FORBIDDEN: { kind: 'user', status: 403, meaning: 'The caller is known and may not do this.' },
  OFC_NOT_CUSTOMER: {
    kind: 'user',
    status: 403,
    meaning: 'The owner is not on the customers list.',
  },
  OFC_NOT_FOUND: { kind: 'user', status: 404, meaning: 'What was asked for does not exist.' },
  OFC_METHOD: { kind: 'user', status: 405, meaning: 'The HTTP method is not supported here.' },
  OFC_CONFLICT: {
    kind: 'retry',
    status: 409,
    meaning: 'Somebody else changed the same thing first.',
  },
  OFC_TOO_LARGE: {
    kind: 'user',
    status: 413,
    meaning: 'A body, file or archive is over its limit.',
  },
  OFC_MEDIA_TYPE: { kind: 'user', status: 415, meaning: 'The content type is not supported here.' },
  OFC_NAME_INVALID: {
    kind: 'user',
    status: 422,
    meaning: 'An owner, repo, branch, function or secret name cannot be used.',
  },
  OFC_NAME_TAKEN: {
    kind: 'user',
    status: 422,
    meaning: 'The function name belongs to the platform or to another owner.',
  },
  OFC_STACK_MISSING: {
    kind: 'user',
    status: 422,
    meaning: 'The repo has no stack.yml (or stack.yaml) in its root folder.',
  },
  OFC_STACK_INVALID: { kind: 'user', status: 422, meaning: 'stack.yml cannot be used as it is.' },
  OFC_SECRETS: {
    kind: 'user',
    status: 422,
    meaning: 'A secret that a function names does not exist, or a sealed one cannot be used.',
  },
  OFC_TEMPLATE: {
    kind: 'user',
    status: 422,
    meaning: 'A language template is unknown, not enabled or could not be fetched.',
  },
  OFC_SOURCE_REFUSED: {
    kind: 'user',
    status: 422,
    meaning:
      'The repo holds something that may not enter a build: links, odd paths, too much data.',
  },
  OFC_CLONE: { kind: 'user', status: 422, meaning: 'The pushed commit could not be fetched.' },
  OFC_BUILD_FAILED: { kind: 'user', status: 422, meaning: 'The image did not build; see the log.' },
  OFC_DEPLOY_FAILED: {
    kind: 'user',
    status: 422,
    meaning: 'The gateway refused the function, or the new replica never became ready.',
  },
  OFC_STUCK: {
    kind: 'final',
    status: 500,
    meaning: 'A deployment made no progress and was closed by the sweeper.',
  },
  OFC_BUSY: { kind: 'retry', status: 429, meaning: 'A limit is reached; try again later.' },
  OFC_UPSTREAM: { kind: 'retry', status: 502, meaning: 'A service we depend on failed to answer.' },
  OFC_TIMEOUT: { kind: 'retry', status: 504, meaning: 'Something took longer than its limit.' },
  OFC_CONFIG: { kind: 'final', status: 500, meaning: 'A variable or secret is missing or wrong.' },
  OFC_INTERNAL: { kind: 'final', status: 500, meaning: 'A fault of the platform itself.' },
} as const satisfies Record<string, ErrorCodeInfo>;

/** A stable error code, `OFC_…`. */
export type ErrorCode = keyof typeof errorCodes;

interface CloudErrorOptions {
  /** How to fix it, as a sentence for the person who reads the message. */
  readonly hint?: string;
  readonly cause?: unknown;
}

/**
 * The one error class of the platform. `message` says what happened and why; `hint` how to fix it.
 *
 * @example
 * throw new CloudError('OFC_STACK_INVALID', 'stack.yml line 4: unknown lang "cobol".', {
 *   hint: 'Use node-ts, or ask the operator to add the template.',
 * });
 */
export class CloudError extends Error {
  override readonly name = 'CloudError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, options: CloudErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
  }

  get kind(): ErrorKind {
    return errorCodes[this.code].kind;
  }

  get status(): number {
    return errorCodes[this.code].status;
  }

  /** Message and hint as one text, for checks, logs and answers. */
  get text(): string {
    if (this.hint === undefined) return this.message;
    if (this.message.includes('\n')) return `${this.message}\n${this.hint}`;
    // Tools end their messages without a full stop.
    const end = /[\p{L}\p{N}"')\]}]$/u.test(this.message) ? '.' : '';
    return `${this.message}${end} ${this.hint}`;
  }
}

/** `thrown` as a {@link CloudError}; anything unexpected becomes `OFC_INTERNAL` and keeps its cause. */
export function toCloudError(thrown: unknown): CloudError {
  if (thrown instanceof CloudError) return thrown;
  return new CloudError('OFC_INTERNAL', 'An unexpected error happened.', { cause: thrown });
}

/** The message of anything that was thrown, for logs. */
export function errorMessage(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
