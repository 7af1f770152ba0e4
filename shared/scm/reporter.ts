import type { Deployment } from '../pipeline/deployment.ts';
import type { Check } from './check-state.ts';

/** Writes checks where a provider shows them. */
export interface Reporter {
  /**
   * Brings one entry up to date.
   *
   * @param log The build log that belongs to it, read only if it is needed.
   * @param again Write it even if it seems to be up to date.
   * @returns whether anything was written.
   */
  report(
    deployment: Deployment,
    check: Check,
    log: () => Promise<Buffer | undefined>,
    again: boolean,
  ): Promise<boolean>;
}
