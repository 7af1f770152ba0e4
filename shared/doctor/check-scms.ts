import * as v from 'valibot';
import type { Settings } from '../config.ts';
import type { ScmKind } from '../scm/scm-id.ts';
import { scmSettings } from '../scm/scm-settings.ts';
import { type Check, type Patient, type Report, settingsOf } from './check.ts';
import { type Answer, failure, httpGet } from './http-get.ts';

const tokenSchema = v.object({
  scopes: v.array(v.string()),
  expires_at: v.nullish(v.string()),
});
const warnMs = 14 * 24 * 60 * 60_000;

/** One configured server of a kind. */
interface Server {
  readonly scm: string;
  readonly url: string;
  readonly token: string | undefined;
}

/**
 * GitLab: its API token is accepted, may do what is needed and holds for two more weeks.
 *
 * @see https://docs.gitlab.com/api/personal_access_tokens/#self-inform
 */
export const checkGitlab: Check = {
  name: 'gitlab',
  run: (patient, report) =>
    forEach(
      patient,
      report,
      'gitlab',
      (settings) => ({
        url: settings.url('gitlab_instance', 'https://gitlab.com'),
        token: settings.optionalSecret('gitlab-api-token'),
      }),
      async ({ scm, url, token = '' }) => {
        const path = '/api/v4/personal_access_tokens/self';
        const headers = { 'private-token': token };
        const answer = await httpGet(`${url}${path}`, { headers, signal: patient.signal });
        if (isRefused(answer, scm, url, report)) return;
        const found = v.safeParse(v.pipe(v.string(), v.parseJson(), tokenSchema), answer.body);
        // Some servers, and job tokens, have no such route.
        if (!found.success)
          return report('not-checked', `${url} does not tell what ${scm}'s token may.`);
        const { scopes, expires_at: expires } = found.output;
        if (!scopes.includes('api')) {
          report('scm-scope', `${scm}'s token has the scopes ${scopes.join(', ')}, not api.`);
        }
        const left = Date.parse(expires ?? '') - Date.now();
        if (left < warnMs) report('scm-token-ends', `${scm}'s token ends on ${expires}.`);
      },
    ),
};

/**
 * Gitea: its API token is accepted and may see repos.
 *
 * @see https://docs.gitea.com/development/oauth2-provider#scopes
 */
export const checkGitea: Check = {
  name: 'gitea',
  run: (patient, report) =>
    forEach(
      patient,
      report,
      'gitea',
      (settings) => ({
        url: settings.url('gitea_url', 'https://gitea.com'),
        token: settings.optionalSecret('gitea-api-token'),
      }),
      async ({ scm, url, token = '' }) => {
        const headers = { authorization: `token ${token}` };
        const path = '/api/v1/repos/search?limit=1';
        const answer = await httpGet(`${url}${path}`, { headers, signal: patient.signal });
        if (isRefused(answer, scm, url, report)) return;
        if (answer.status === 403) report('scm-scope', `${scm}'s token may not read repos.`);
      },
    ),
};

/** Looks at each server of a kind that has a token here. */
async function forEach(
  patient: Patient,
  report: Report,
  kind: ScmKind,
  read: (settings: Settings) => Omit<Server, 'scm'>,
  look: (server: Server) => Promise<void>,
): Promise<void> {
  const servers = settingsOf(patient, (settings) =>
    scmSettings(settings, kind).map(({ scm, settings: own }) => ({ scm, ...read(own) })),
  );
  const configured = servers.filter(({ token }) => token !== undefined);
  if (configured.length === 0)
    return report('not-checked', `There is no secret ${kind}-api-token.`);
  for (const server of configured) {
    try {
      await look(server);
    } catch (error) {
      report('scm-unreachable', `${server.url} does not answer: ${failure(error)}.`);
    }
  }
}

function isRefused({ status }: Answer, scm: string, url: string, report: Report): boolean {
  if (status === 401) report('scm-token', `${url} does not accept the API token of ${scm}.`);
  else if (status >= 500) report('scm-unreachable', `${url} answers ${status}.`);
  else return false;
  return true;
}
