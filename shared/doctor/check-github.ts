import { createPrivateKey, sign } from 'node:crypto';
import * as v from 'valibot';
import { parseSite } from '../router/site.ts';
import { readOptionalSecret } from '../secrets.ts';
import { type Check, settingsOf } from './check.ts';
import { failure, httpGet } from './http-get.ts';

const appSchema = v.object({
  id: v.number(),
  permissions: v.optional(v.record(v.string(), v.string()), {}),
  events: v.optional(v.array(v.string()), []),
});
const hookSchema = v.object({
  url: v.optional(v.string(), ''),
  content_type: v.optional(v.string(), ''),
});

/**
 * The GitHub App: its key is valid, it may do what is needed, and its webhook leads here.
 *
 * @see https://docs.github.com/en/rest/apps/apps#get-the-authenticated-app
 */
export const checkGithub: Check = {
  name: 'github',
  async run(patient, report) {
    const { api, appId, site, useChecks, keyName } = settingsOf(patient, (settings) => ({
      api: settings.url('github_api_url', 'https://api.github.com'),
      appId: settings.text('github_app_id', ''),
      site: settings.parsed('gateway_pretty_url', parseSite),
      useChecks: settings.flag('use_checks', true),
      keyName: settings.text('private_key_filename', 'private-key'),
    }));
    const key = readOptionalSecret(keyName, patient.env);
    if (appId === '' || key === undefined) {
      return report('not-checked', `github_app_id or the secret ${keyName} is not here.`);
    }
    let jwt: string;
    try {
      jwt = appToken(appId, key);
    } catch {
      return report('github-app', `The secret ${keyName} is no private key in PEM.`);
    }
    const get = (path: string) =>
      httpGet(`${api}${path}`, {
        signal: patient.signal,
        headers: {
          authorization: `Bearer ${jwt}`,
          accept: 'application/vnd.github+json',
          'user-agent': 'openfaas-cloud',
        },
      });
    let answer: Awaited<ReturnType<typeof get>>;
    try {
      answer = await get('/app');
    } catch (error) {
      return report('github-unreachable', `${api} does not answer: ${failure(error)}.`);
    }
    if (answer.status === 401 || answer.status === 404) {
      return report('github-app', `${api} does not accept the key as one of App ${appId}.`);
    }
    const app = v.safeParse(v.pipe(v.string(), v.parseJson(), appSchema), answer.body);
    if (answer.status !== 200 || !app.success) {
      return report('github-unreachable', `${api}/app answers ${answer.status}.`);
    }
    const { permissions, events } = app.output;
    const may = (name: string, wanted: string) =>
      permissions[name] === wanted ||
      permissions[name] === 'write' ||
      permissions[name] === 'admin';
    const lacks = [
      ...(may('contents', 'read') ? [] : ['Contents: read']),
      ...(may(useChecks ? 'checks' : 'statuses', 'write')
        ? []
        : [useChecks ? 'Checks: write' : 'Commit statuses: write']),
      ...(events.includes('push') ? [] : ['the event Push']),
    ];
    if (lacks.length > 0) report('github-permissions', `The App lacks ${lacks.join(', ')}.`);

    const hook = await get('/app/hook/config');
    const config = v.safeParse(v.pipe(v.string(), v.parseJson(), hookSchema), hook.body);
    const wanted = `${site.systemOrigin}/github-event`;
    if (hook.status !== 200 || !config.success) {
      report('not-checked', `${api} does not tell the App's webhook (${hook.status}).`);
    } else if (config.output.url !== wanted) {
      report('github-webhook', `The App's webhook URL is "${config.output.url}", not ${wanted}.`);
    } else if (config.output.content_type !== 'json') {
      report(
        'github-webhook',
        `The App's webhook sends "${config.output.content_type}", not json.`,
      );
    }
  },
};

/** A token that says that we are the App, good for five minutes (RS256). */
function appToken(appId: string, pem: string): string {
  const now = Math.floor(Date.now() / 1000);
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = { iat: now - 60, exp: now + 300, iss: appId };
  const content = `${encode({ alg: 'RS256', typ: 'JWT' })}.${encode(claims)}`;
  return `${content}.${sign('RSA-SHA256', Buffer.from(content), createPrivateKey(pem)).toString('base64url')}`;
}
