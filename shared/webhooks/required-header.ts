import { CloudError } from '../errors.ts';
import { type ReceivedRequest, singleHeader } from '../messages/receive.ts';

/**
 * A header's value, which must be there once and match.
 *
 * @throws CloudError `OFC_BAD_REQUEST`
 */
export function requiredHeader(request: ReceivedRequest, name: string, pattern: RegExp): string {
  const value = singleHeader(request, name);
  if (value === undefined || !pattern.test(value)) {
    throw new CloudError('OFC_BAD_REQUEST', `The header ${name} is missing or malformed.`);
  }
  return value;
}
