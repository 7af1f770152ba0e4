import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { createGatewayClient } from '../gateway/gateway-client.ts';
import { signatureHeader } from '../messages/signature.ts';
import { createS3ObjectStore } from '../object-store/s3-object-store.ts';
import { gatewaySettings, signerSettings, storeSettings } from '../platform-settings.ts';
import { type Check, settingsOf } from './check.ts';
import { failure } from './http-get.ts';

const patienceMs = 15_000;

/** Where the doctor function notes that a message came. */
export function echoKey(nonce: string): string {
  return `doctor/${nonce}`;
}

/** The queue, by a message that the doctor function answers with an object in the store. */
export const checkQueue: Check = {
  name: 'queue',
  async run(patient, report) {
    const { gateway, signer, store } = settingsOf(patient, (settings) => ({
      gateway: createGatewayClient(gatewaySettings(settings, { admin: true })),
      signer: signerSettings(settings),
      store: createS3ObjectStore(storeSettings(settings)),
    }));
    const listed = await gateway.list().catch(() => undefined);
    if (listed === undefined) return report('not-checked', 'The gateway does not answer.');
    if (!listed.some(({ name }) => name === 'doctor')) {
      return report('not-checked', 'The function doctor, which would answer, is not deployed.');
    }
    const nonce = randomUUID();
    const body = JSON.stringify({ nonce });
    const signature = signer.sign({ receiver: 'doctor', method: 'POST', path: '/', body });
    const sent = Date.now();
    try {
      await gateway.invokeAsync('doctor', body, { headers: { [signatureHeader]: signature } });
    } catch (error) {
      return report('queue-off', `The gateway does not take messages: ${failure(error)}`);
    }
    while (!(await store.exists(echoKey(nonce)))) {
      if (Date.now() - sent > patienceMs || patient.signal.aborted) {
        return report(
          'queue-lost',
          `A message did not arrive within ${patienceMs / 1000} seconds.`,
        );
      }
      await delay(200);
    }
    report('ok', `A message arrived after ${Date.now() - sent} ms.`);
    await store.delete(echoKey(nonce));
  },
};

const minuteMs = 60_000;
const quietMinutes = 5;

/** The schedule: a sweep leaves a mark with its minute. */
export const checkSweeps: Check = {
  name: 'sweeps',
  async run(patient, report) {
    const store = createS3ObjectStore(settingsOf(patient, storeSettings));
    const marks = await store.list('sweeps/').catch(() => undefined);
    if (marks === undefined) return report('not-checked', 'The object store does not answer.');
    const newest = Math.max(0, ...marks.map((key) => Number(key.slice('sweeps/'.length)) || 0));
    const minutes = Math.floor(Date.now() / minuteMs) - newest;
    if (newest === 0) report('sweep-silent', 'No sweep ever ran.');
    else if (minutes > quietMinutes)
      report('sweep-silent', `The last sweep was ${minutes} minutes ago.`);
  },
};
