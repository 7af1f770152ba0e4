import * as v from 'valibot';
import { CloudError } from '../errors.ts';
import { createGatewayClient } from '../gateway/gateway-client.ts';
import { gatewaySettings } from '../platform-settings.ts';
import { type Check, settingsOf } from './check.ts';
import { failure, httpGet } from './http-get.ts';
import { neededFunctions, neededSecrets } from './needs.ts';

const infoSchema = v.object({
  provider: v.nullish(v.object({ provider: v.optional(v.string()) })),
});
const secretsSchema = v.array(v.object({ name: v.string() }));
/** Of OpenFaaS CE. */
const mostFunctions = 15;

/** The gateway: reachable, knows us, has a provider, the platform's functions and their secrets. */
export const checkGateway: Check = {
  name: 'gateway',
  async run(patient, report) {
    const config = settingsOf(patient, (settings) => gatewaySettings(settings, { admin: true }));
    const { url, credentials } = config;
    const login =
      credentials === undefined
        ? undefined
        : Buffer.from(`${credentials.user}:${credentials.password}`).toString('base64');
    const get = (path: string) =>
      httpGet(`${url}${path}`, {
        signal: patient.signal,
        ...(login === undefined ? {} : { headers: { authorization: `Basic ${login}` } }),
      });
    try {
      await get('/healthz');
    } catch (error) {
      return report('gateway-unreachable', `${url} does not answer: ${failure(error)}.`);
    }
    const info = await get('/system/info');
    if (info.status === 401) {
      return report('gateway-credentials', `${url} refuses user and password.`);
    }
    const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), infoSchema), info.body);
    const provider = parsed.success ? parsed.output.provider?.provider : undefined;
    if (provider === undefined) {
      return report(
        'gateway-provider',
        `${url}/system/info answers ${info.status} and names no provider.`,
      );
    }

    const functions = await createGatewayClient(config).list();
    const missing = neededFunctions.filter((name) => !functions.some((fn) => fn.name === name));
    if (missing.length > 0) {
      report('functions-missing', `Not deployed: ${missing.join(', ')}.`);
    }
    const down = functions.filter(
      ({ name, availableReplicas, labels }) =>
        neededFunctions.includes(name) &&
        (availableReplicas ?? 0) === 0 &&
        labels?.['com.openfaas.scale.zero'] === 'false',
    );
    if (down.length > 0) {
      report('functions-down', `No replica is ready: ${down.map(({ name }) => name).join(', ')}.`);
    }
    if (provider.endsWith('-ce') && functions.length >= mostFunctions) {
      report('functions-full', `${functions.length} functions run on ${provider}.`);
    }

    const listed = await get('/system/secrets');
    const names = v.safeParse(v.pipe(v.string(), v.parseJson(), secretsSchema), listed.body);
    if (!names.success) return report('not-checked', 'The gateway does not list its secrets.');
    const absent = neededSecrets(patient).filter(
      (name) => !names.output.some((secret) => secret.name === name),
    );
    if (absent.length > 0) report('gateway-secrets', `Not at the gateway: ${absent.join(', ')}.`);
  },
};

/** Whether an error says that credentials were refused. */
export function isRefusal(error: unknown): boolean {
  return error instanceof CloudError && error.code === 'OFC_CONFIG';
}
