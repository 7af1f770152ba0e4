/** Where of-auth answers on the hosts of owners. No function of a tenant can have such a path. */
const prefix = '/.well-known/openfaas-cloud/';

/** The reserved paths on hosts of owners; all of them for GET and HEAD. */
export const tenantPaths = {
  /** Begins a sign-in for this host; `?r=<path>` is where to go afterwards. */
  signIn: `${prefix}sign-in`,
  /** Where the system host sends the visitor back to, with a code. */
  session: `${prefix}session`,
  /** Forgets this host's cookie and leads to the page that signs out everywhere. */
  signOut: `${prefix}sign-out`,
} as const;

/** Whether a path on a host of an owner is of-auth's. */
export function isTenantPath(path: string): boolean {
  return path.startsWith(prefix) && Object.values<string>(tenantPaths).includes(path);
}
