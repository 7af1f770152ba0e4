import type { CloudError } from '../errors.ts';
import type { FailedRecord } from './plan.ts';

/** A step's failure as it is recorded. */
export function failedRecord(error: CloudError): FailedRecord {
  return { outcome: 'failed', code: error.code, text: error.text, at: Date.now() };
}
