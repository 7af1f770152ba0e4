import { once } from 'node:events';
import { connect } from 'node:tls';
import { gatewaySettings, storeSettings } from '../platform-settings.ts';
import { parseSite } from '../router/site.ts';
import { type Check, settingsOf } from './check.ts';
import { failure, httpGet, resolves } from './http-get.ts';

const dayMs = 86_400_000;
const soonDays = 14;

/** The public names: they resolve, lead to of-router and not to the gateway, with a certificate that lasts. */
export const checkHosts: Check = {
  name: 'hosts',
  async run(patient, report) {
    const site = settingsOf(patient, (settings) =>
      settings.parsed('gateway_pretty_url', parseSite),
    );
    const owner = `ofc-doctor.${site.domain}`;
    const names = [`system.${site.domain}`, owner, `builder.system.${site.domain}`];
    const unknown: string[] = [];
    for (const name of names) if (!(await resolves(name))) unknown.push(name);
    if (unknown.length > 0) report('hosts-unresolved', `No address: ${unknown.join(', ')}.`);
    if (unknown.includes(names[0] ?? '')) return;

    const get = (url: string) => httpGet(url, { signal: patient.signal });
    try {
      const home = await get(`${site.systemOrigin}/`);
      if (home.status !== 200) {
        report('hosts-edge', `${site.systemOrigin}/ answers ${home.status}, not the start page.`);
      }
      const admin = await get(`${site.systemOrigin}/system/functions`);
      if (admin.status !== 404) {
        report(
          'hosts-exposed',
          `${site.systemOrigin}/system/functions answers ${admin.status}, not 404.`,
        );
      }
      const direct = await get(`${site.systemOrigin}/function/echo`);
      if (direct.status !== 404) {
        report(
          'hosts-exposed',
          `${site.systemOrigin}/function/echo answers ${direct.status}, not 404.`,
        );
      }
      if (!unknown.includes(owner)) {
        const url = `${site.scheme}://${owner}${site.port}/none`;
        const { status } = await get(url);
        if (status !== 404) report('hosts-edge', `${url} answers ${status}, not of-router's 404.`);
      }
    } catch (error) {
      return report('hosts-edge', `${site.systemOrigin} does not answer: ${failure(error)}.`);
    }
    if (site.scheme === 'https') {
      const ends = await certificateEnd(
        `system.${site.domain}`,
        Number(site.port.slice(1) || 443),
        patient.signal,
      );
      const days = Math.floor((ends - Date.now()) / dayMs);
      if (days < soonDays) report('certificate-ends', `The certificate ends in ${days} days.`);
    }
  },
};

async function certificateEnd(host: string, port: number, signal: AbortSignal): Promise<number> {
  const socket = connect({ host, port, servername: host });
  try {
    await once(socket, 'secureConnect', { signal });
    return Date.parse(socket.getPeerCertificate().valid_to);
  } finally {
    socket.destroy();
  }
}

const greatestSkewMs = 10_000;

/** The clocks: of gateway, object store and GitHub against ours. Signatures and App tokens need them. */
export const checkClocks: Check = {
  name: 'clocks',
  async run(patient, report) {
    const servers = settingsOf(patient, (settings) => ({
      'the gateway': `${gatewaySettings(settings, { admin: false }).url}/healthz`,
      'the object store': storeSettings(settings).endpoint,
      GitHub: settings.url('github_api_url', 'https://api.github.com'),
    }));
    let compared = 0;
    for (const [name, url] of Object.entries(servers)) {
      const answer = await httpGet(url, { signal: patient.signal }).catch(() => undefined);
      if (answer?.clockMs === undefined) continue;
      compared += 1;
      if (Math.abs(answer.clockMs) > greatestSkewMs) {
        const seconds = Math.round(answer.clockMs / 1000);
        report(
          'clock-off',
          `The clock of ${name} is ${Math.abs(seconds)} s ${seconds > 0 ? 'ahead of' : 'behind'} ours.`,
        );
      }
    }
    if (compared === 0) report('not-checked', 'Nobody told the time.');
  },
};
