import { Webhook } from 'standardwebhooks';
import { Agent, request } from 'undici';
import { CloudError } from '../errors.ts';
import type { AllowedAddresses } from './allowed-addresses.ts';
import type { OpenedDestination } from './destinations.ts';
import type { Attempt, Notice } from './notices.ts';

/** Sends one notice, once. Whatever goes wrong is in what it gives. */
export type PostNotice = (
  notice: Notice,
  destination: OpenedDestination,
) => Promise<Pick<Attempt, 'status' | 'problem'>>;

/** As much of an answer as is read; it is never shown. */
const maxAnswerBytes = 16 * 1024;

/**
 * Makes a {@link PostNotice}. To a webhook it goes signed as Standard Webhooks has it. Redirects are not
 * followed, no proxy is used, and names are looked up by `allowed` alone.
 *
 * @param timeoutMs For everything from the look-up to the end of the answer.
 * @see https://www.standardwebhooks.com
 */
export function createPostNotice(
  allowed: AllowedAddresses,
  timeoutMs: number,
  now: () => number = Date.now,
): PostNotice {
  const dispatcher = new Agent({
    connect: { lookup: allowed.lookup, timeout: timeoutMs },
    // A new connection each time: an address that was fine once need not be later.
    pipelining: 0,
    maxHeaderSize: maxAnswerBytes,
  });
  return async (notice, { kind, url, secret }) => {
    const { body, messageId } = notice;
    try {
      const answer = await request(allowed.parseUrl(url), {
        dispatcher,
        method: 'POST',
        body,
        signal: AbortSignal.timeout(timeoutMs),
        headers: {
          'content-type': 'application/json',
          'user-agent': 'openfaas-cloud',
          ...(kind === 'webhook' ? signed(secret, messageId, body, now()) : {}),
        },
      });
      await answer.body.dump({ limit: maxAnswerBytes }).catch(() => undefined);
      return { status: answer.statusCode };
    } catch (error) {
      return { problem: problemOf(error) };
    }
  };
}

function signed(secret: string, messageId: string, body: string, now: number) {
  const at = new Date(now);
  return {
    'webhook-id': messageId,
    'webhook-timestamp': String(Math.floor(now / 1000)),
    'webhook-signature': new Webhook(secret).sign(messageId, at, body),
  };
}

/** For the owner: what they can do something about, and no more of the platform's network. */
function problemOf(error: unknown): string {
  if (error instanceof CloudError) return error.message;
  const { name, code = '' } = error as NodeJS.ErrnoException;
  if (name === 'TimeoutError' || /TIMEOUT|ETIMEDOUT/.test(code)) return 'No answer in time.';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'The host is not known.';
  if (/CERT|TLS|SSL|SELF_SIGNED|ALTNAME|ISSUER/.test(code)) return 'Its certificate is not valid.';
  return 'The connection failed.';
}
