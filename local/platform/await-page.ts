import { get } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { CloudError } from '#shared/errors.ts';

const timeoutMs = 60_000;
const busyMs = 20_000;
const againMs = 250;

/**
 * Asks for the platform's page as a visitor does, through of-router and of-auth, and waits for the answer. On a
 * busy machine of-auth may take longer to start than of-router waits for it: a 503 is asked again.
 *
 * @param patienceMs For how long a 503 is asked again.
 * @throws CloudError `OFC_UPSTREAM` if it is an error or there is none within a minute; the
 *   signal's reason.
 */
export async function awaitPage(
  port: number,
  signal: AbortSignal,
  patienceMs = busyMs,
): Promise<void> {
  const host = `system.localhost:${port}`;
  const failed = (what: string): CloudError =>
    new CloudError('OFC_UPSTREAM', `http://${host}/ ${what}.`, {
      hint: 'The log in the data folder tells why of-router and of-auth do not start.',
    });
  const ask = () =>
    new Promise<number>((resolve, reject) => {
      const asked = get({ host: '127.0.0.1', port, headers: { host }, agent: false, signal });
      asked.setTimeout(timeoutMs, () => asked.destroy(failed('does not answer within a minute')));
      asked.on('error', (error) => reject(signal.aborted ? signal.reason : error));
      asked.on('response', (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
    });
  const deadline = Date.now() + patienceMs;
  let status = await ask();
  while (status === 503 && Date.now() < deadline) {
    await delay(againMs);
    status = await ask();
  }
  if (status >= 500) throw failed(`answers ${status}`);
}
