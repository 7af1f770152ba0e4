/** One entry of `errors` in an answer of GitHub's REST API. */
export interface FieldError {
  readonly resource: string;
  readonly field: string;
  readonly code: 'missing_field' | 'invalid' | 'too_large' | 'custom';
  readonly message?: string;
}

/** Ends a request with this status and, in the API, `{ message, errors }`. */
export class HttpError extends Error {
  override readonly name = 'HttpError';
  readonly status: number;
  readonly errors: readonly FieldError[];

  constructor(status: number, message: string, errors: readonly FieldError[] = []) {
    super(message);
    this.status = status;
    this.errors = errors;
  }
}

/** The answer for what is not there, or may not be seen: GitHub does not tell the two apart. */
export function notFound(): HttpError {
  return new HttpError(404, 'Not Found');
}
