import * as v from 'valibot';
import { type FieldError, HttpError } from './http-error.ts';

/**
 * Checks the body of an API request.
 *
 * @param resource What GitHub calls the thing, for the errors: `CheckRun`.
 * @throws HttpError 422 with one error per field
 */
export function validate<Schema extends v.GenericSchema>(
  schema: Schema,
  body: unknown,
  resource: string,
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, body);
  if (result.success) return result.output;
  const errors = result.issues.map((issue): FieldError => {
    const field = v.getDotPath(issue) ?? '';
    const isMissing = issue.received === 'undefined';
    const isLong = issue.type === 'max_length' || issue.type === 'max_bytes';
    const code = isMissing ? 'missing_field' : isLong ? 'too_large' : 'invalid';
    return { resource, field, code, message: `${field}: ${issue.message}` };
  });
  throw new HttpError(422, 'Validation Failed', errors);
}

/** An `http` or `https` address: what a page may link to. */
export const webAddress = v.pipe(
  v.string(),
  v.maxLength(2048),
  v.check(
    (text) => URL.canParse(text) && /^https?:/i.test(text),
    'must be an http or https address',
  ),
);

/** A time as ISO 8601, such as `2018-05-04T01:14:52Z`. */
export const time = v.pipe(
  v.string(),
  v.check((text) => !Number.isNaN(Date.parse(text)), 'must be an ISO 8601 time'),
);
