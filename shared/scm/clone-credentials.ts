import type { Deployment } from '../pipeline/deployment.ts';

/** What opens one private repo for reading. It stays in memory. */
export interface CloneAccess {
  readonly username: string;
  readonly password: string;
}

/** Opens the private repos of one SCM. */
export interface CloneCredentials {
  /**
   * Lends what reads the repo of a deployment for as long as `use` runs; nothing for a public one.
   *
   * @throws What `use` throws; CloudError `OFC_CONFIG` without a credential to begin with,
   * `OFC_UPSTREAM` if the SCM gives none.
   */
  lend<T>(deployment: Deployment, use: (access: CloneAccess | undefined) => Promise<T>): Promise<T>;
}
