import * as v from 'valibot';
import { CloudError } from '../errors.ts';

/**
 * The body of a webhook whose signature holds, as the parts of it that `schema` names.
 *
 * @throws CloudError `OFC_BAD_REQUEST` that says where it is wrong.
 */
export function parseBody<Schema extends v.GenericSchema>(
  event: string,
  schema: Schema,
  body: string,
): v.InferOutput<Schema> {
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), schema), body);
  if (parsed.success) return parsed.output;
  const where = v.getDotPath(parsed.issues[0]) ?? 'the body';
  throw new CloudError(
    'OFC_BAD_REQUEST',
    `The ${event} event is malformed at ${where}: ${parsed.issues[0].message}.`,
  );
}
