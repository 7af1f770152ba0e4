import { Readable } from 'node:stream';
import * as v from 'valibot';
import { errorMessage } from '../errors.ts';
import { parseImageReference } from '../registry/image-reference.ts';
import type { RegistryCredentials } from '../registry/registry-auth.ts';
import { discard, RegistrySession } from '../registry/registry-session.ts';
import { readOptionalSecret } from '../secrets.ts';
import { type Check, settingsOf } from './check.ts';

const dockerConfigSchema = v.object({
  auths: v.optional(v.record(v.string(), v.object({ auth: v.optional(v.string()) })), {}),
});

/** Logs in of a Docker `config.json`; `undefined` if it is none. */
export function readDockerConfig(text: string): Map<string, RegistryCredentials> | undefined {
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), dockerConfigSchema), text);
  if (!parsed.success) return undefined;
  const known = new Map<string, RegistryCredentials>();
  for (const [address, { auth = '' }] of Object.entries(parsed.output.auths)) {
    const [, username, password] =
      /^([^:]+):(.*)$/s.exec(Buffer.from(auth, 'base64').toString()) ?? [];
    const host = address.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
    if (username !== undefined && password !== undefined) known.set(host, { username, password });
  }
  return known;
}

/** The registry: reachable, and takes a push from who is in `docker-config`: an upload is begun and given up. */
export const checkRegistry: Check = {
  name: 'registry',
  async run(patient, report) {
    const prefix = settingsOf(patient, (settings) => settings.text('push_repository_url'));
    const reference = parseImageReference(`${prefix.replace(/\/*$/, '')}/doctor:latest`);
    const logins = readDockerConfig(readOptionalSecret('docker-config', patient.env) ?? '{}');
    const login = logins?.get(reference.host);
    const session = new RegistrySession(() => login);
    const request = {
      reference,
      scope: `repository:${reference.repository}:pull,push`,
    };
    try {
      const begun = await session.request({
        ...request,
        method: 'POST',
        target: 'blobs/uploads/',
        body: { size: 0, open: () => Readable.from([]) },
      });
      discard(begun);
      const { location } = begun.headers;
      if (begun.statusCode === 202 && location !== undefined) {
        discard(await session.request({ ...request, method: 'DELETE', target: location }));
        return;
      }
      const status = begun.statusCode ?? 0;
      if (status === 401 && login === undefined) {
        const what = `${reference.host} answers and wants a password; docker-config, with which to try, is not here.`;
        return report('not-checked', what);
      }
      const refused = status === 401 || status === 403;
      const code = refused ? 'registry-credentials' : 'registry-unreachable';
      report(code, `${reference.host} answers ${status} to a push to ${reference.repository}.`);
    } catch (error) {
      report('registry-unreachable', errorMessage(error));
    }
  },
};
