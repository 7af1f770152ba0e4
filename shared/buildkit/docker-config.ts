import * as v from 'valibot';
import { CloudError } from '../errors.ts';

/** How to log in to one registry; with an identity token the name is empty. */
export interface RegistryLogin {
  readonly username: string;
  readonly secret: string;
}

const entrySchema = v.object({
  auth: v.optional(v.string()),
  username: v.optional(v.string()),
  password: v.optional(v.string()),
  identitytoken: v.optional(v.string()),
});
const configSchema = v.object({ auths: v.optional(v.record(v.string(), entrySchema), {}) });

/** The names under which Docker Hub is asked for and stored. */
const dockerHub = new Set(['docker.io', 'index.docker.io', 'registry-1.docker.io']);

/**
 * The logins of a Docker `config.json`, by the registry's host. Credential helpers are not run.
 *
 * @throws CloudError `OFC_CONFIG`; no value of the file is in its text
 * @see https://docs.docker.com/reference/cli/docker/login/
 */
export function parseDockerConfig(text: string): ReadonlyMap<string, RegistryLogin> {
  const result = v.safeParse(v.pipe(v.string(), v.parseJson(), configSchema), text);
  if (!result.success) throw problem('is not JSON of the form {"auths":{"host":{"auth":"…"}}}');
  const logins = new Map<string, RegistryLogin>();
  for (const [name, entry] of Object.entries(result.output.auths)) {
    const login = loginOf(entry);
    if (login === undefined) throw problem(`has no usable login for ${hostOf(name)}`);
    logins.set(hostOf(name), login);
  }
  return logins;
}

/** The host of an entry: `https://index.docker.io/v1/` is Docker Hub. */
export function hostOf(name: string): string {
  const host = name
    .replace(/^https?:\/\//, '')
    .replace(/\/.*$/, '')
    .toLowerCase();
  return dockerHub.has(host) ? 'docker.io' : host;
}

function loginOf({ auth, username, password, identitytoken }: v.InferOutput<typeof entrySchema>) {
  if (identitytoken) return { username: '', secret: identitytoken };
  if (username && password) return { username, secret: password };
  const [, name = '', secret = ''] =
    /^([^:]+):(.+)$/s.exec(Buffer.from(auth ?? '', 'base64').toString('utf8')) ?? [];
  return name === '' ? undefined : { username: name, secret: secret.replace(/\0+$/, '') };
}

function problem(what: string): CloudError {
  return new CloudError('OFC_CONFIG', `The secret "docker-config" ${what}.`, {
    hint: 'Make it with "faas-cli registry-login" or "docker login" without a credential helper.',
  });
}
