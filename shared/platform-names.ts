/**
 * Names in the cluster that are the platform's own. A tenant's names begin with the owner, so without
 * this list an owner `basic` could mount `basic-auth-password`, and an owner `audit` could stand in
 * for an `audit-event` that the operator left out. A test compares the lists with `stack.yml` and
 * with what functions read.
 */

const functions: readonly string[] = [
  'of-router',
  'of-auth',
  'of-builder',
  'github-event',
  'github-push',
  'github-status',
  'gitlab-event',
  'gitlab-push',
  'gitlab-status',
  'gitea-event',
  'gitea-push',
  'gitea-status',
  'git-tar',
  'buildshiprun',
  'pipeline-log',
  'import-secrets',
  'garbage-collect',
  'list-functions',
  'function-logs',
  'system-metrics',
  'audit-event',
  'dashboard',
  'doctor',
  'echo',
];

const secrets: readonly string[] = [
  'payload-secret',
  'github-webhook-secret',
  'gitlab-webhook-secret',
  'gitlab-signing-token',
  'gitlab-api-token',
  'gitlab-deploy-token',
  'gitea-webhook-secret',
  'gitea-api-token',
  'gitea-clone-token',
  'private-key',
  'basic-auth-user',
  'basic-auth-password',
  's3-access-key',
  's3-secret-key',
  'jwt-private-key',
  'jwt-public-key',
  'of-client-secret',
  'gitlab-client-secret',
  'gitea-client-secret',
  'registry-password',
  'builder-private-key',
  'builder-payload-secret',
  'customers',
  'sealing-private-key',
  'sealed-secrets-key',
  'docker-config',
  'buildkit-ca-cert',
  'buildkit-client-cert',
  'buildkit-client-key',
];

/** Whether a function of this name is, or may once be, part of the platform. */
export function isPlatformFunction(name: string): boolean {
  return functions.includes(name);
}

/** Whether a secret is the platform's, under its own name or with more behind it (`…-previous`). */
export function isPlatformSecret(name: string): boolean {
  return secrets.some((secret) => name === secret || name.startsWith(`${secret}-`));
}
