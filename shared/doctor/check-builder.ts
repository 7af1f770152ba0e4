import { once } from 'node:events';
import { type ClientHttp2Session, connect } from 'node:http2';
import { connect as connectSocket } from 'node:net';
import { readOptionalSecret } from '../secrets.ts';
import { type Check, settingsOf } from './check.ts';
import { failure, httpGet } from './http-get.ts';

/** What builds: an HTTP builder that answers, or every BuildKit daemon of the pool, with our certificate. */
export const checkBuilder: Check = {
  name: 'builder',
  async run(patient, report) {
    const { http, pool } = settingsOf(patient, (settings) => ({
      http: settings.text('builder_url', ''),
      pool: settings.list('buildkit_url'),
    }));
    if (http === '' && pool.length === 0) {
      return report('config-invalid', 'Neither builder_url nor buildkit_url is set.');
    }
    if (http !== '') {
      const url = `${http.replace(/\/+$/, '')}/healthz`;
      try {
        const { status } = await httpGet(url, { signal: patient.signal });
        if (status !== 200) report('builder-unreachable', `${url} answers ${status}.`);
      } catch (error) {
        report('builder-unreachable', `${url} does not answer: ${failure(error)}.`);
      }
    }
    const secret = (name: string) => readOptionalSecret(name, patient.env);
    const tls = {
      ca: secret('buildkit-ca-cert'),
      cert: secret('buildkit-client-cert'),
      key: secret('buildkit-client-key'),
    };
    for (const address of pool) {
      if (address.startsWith('tcp:') && tls.cert === undefined && !patient.allSecrets) {
        const what = `${address}: buildkit-client-cert and its two companions, with which to try, are not here.`;
        report('not-checked', what);
        continue;
      }
      const problem = await meetBuildkit(address, tls, patient.signal);
      if (problem === undefined) continue;
      const refused = /TLS|SSL|CERT|ECONNRESET/i.test(problem) && tls.cert !== undefined;
      report(refused ? 'builder-refused' : 'builder-unreachable', `${address}: ${problem}.`);
    }
  },
};

interface Tls {
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
}

/** BuildKit speaks gRPC: it is there when its HTTP/2 settings come, which is after both have shown certificates. */
async function meetBuildkit(
  address: string,
  tls: Tls,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { protocol, host, pathname } = new URL(address);
  let session: ClientHttp2Session;
  if (protocol === 'unix:') {
    session = connect('http://localhost', { createConnection: () => connectSocket(pathname) });
  } else if (protocol === 'tcp:') {
    const secure = tls.cert !== undefined;
    session = secure
      ? connect(`https://${host}`, {
          ...(tls.ca === undefined ? {} : { ca: tls.ca }),
          ...(tls.cert === undefined ? {} : { cert: tls.cert }),
          ...(tls.key === undefined ? {} : { key: tls.key }),
        })
      : connect(`http://${host}`);
  } else {
    return undefined; // Docker's own, which of-builder reaches by its socket
  }
  try {
    await once(session, 'remoteSettings', { signal });
    return undefined;
  } catch (error) {
    return failure(error);
  } finally {
    session.on('error', () => undefined).destroy();
  }
}
