import { expect } from 'chai';
import { CloudError, type ErrorCode } from '#shared/errors.ts';

/** Expects that `run` fails with a {@link CloudError} of this code, and gives it. */
export async function expectCode(
  run: Promise<unknown> | (() => unknown),
  code: ErrorCode,
): Promise<CloudError> {
  let thrown: unknown;
  try {
    await (typeof run === 'function' ? run() : run);
  } catch (error) {
    thrown = error;
  }
  if (!(thrown instanceof CloudError)) {
    throw new Error(`expected ${code}, got ${thrown instanceof Error ? thrown.stack : thrown}`);
  }
  expect(thrown.code).to.equal(code);
  return thrown;
}
