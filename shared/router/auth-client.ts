import { LRUCache } from 'lru-cache';
import * as v from 'valibot';
import { type Decision, decisionSchema, sessionHeader, tokenHeader } from '../auth/decision.ts';
import { CloudError, errorMessage } from '../errors.ts';
import type { Http1Client } from '../http1/http1-client.ts';
import { requestText } from '../http1/request-text.ts';
import { type Signer, signatureHeader } from '../messages/signature.ts';
import type { Asking } from './question.ts';

/** Asks of-auth, and keeps its answers for a short while. */
export interface AuthClient {
  /**
   * The decision about a question; at once if it is kept.
   *
   * @throws CloudError `OFC_UPSTREAM` if there is no proper answer: then nobody may enter.
   */
  decide(asking: Asking, callId: string): Decision | Promise<Decision>;
}

interface AuthClientOptions {
  /** To the gateway. */
  readonly upstream: Http1Client;
  /** What stands before `/function/` in the gateway's paths. */
  readonly base: string;
  readonly signer: Signer;
  /** Answers are kept at most this long; 0 = never. */
  readonly maxCacheMs: number;
  readonly timeoutMs?: number;
}

const maxAnswerBytes = 64 * 1024;
/** Long enough for any token of ours; longer ones are not worth a question. */
const maxSessionLength = 4096;

/** Makes an {@link AuthClient}. Concurrent questions about the same thing are one question. */
export function createAuthClient(options: AuthClientOptions): AuthClient {
  const { upstream, base, signer, maxCacheMs, timeoutMs = 5000 } = options;
  const kept = new LRUCache<string, Decision>({
    max: 10_000,
    maxSize: 8 * 1024 * 1024,
    sizeCalculation: (_, key) => key.length + 512,
    // By default a timer is set at nearly every look.
    ttlResolution: 0,
  });
  const asking = new Map<string, Promise<Decision>>();

  const ask = async (
    path: string,
    { session, token }: Asking['shown'],
    callId: string,
  ): Promise<Decision> => {
    const signed = signer.sign({ receiver: 'of-auth', method: 'GET', path, body: '' });
    try {
      const headers = ['accept', 'application/json', 'x-call-id', callId, signatureHeader, signed];
      if (session !== '') headers.push(sessionHeader, session);
      if (token !== '') headers.push(tokenHeader, token);
      const request = {
        method: 'GET',
        path: `${base}/function/of-auth${path}`,
        headers,
        timeoutMs,
      };
      const { status, text } = await requestText(upstream, request, maxAnswerBytes);
      if (status !== 200) throw new Error(`status ${status}`);
      return v.parse(v.pipe(v.string(), v.parseJson(), decisionSchema), text);
    } catch (error) {
      throw new CloudError('OFC_UPSTREAM', `of-auth gave no decision (${errorMessage(error)}).`, {
        cause: error,
      });
    }
  };

  return {
    decide({ path, shown }, callId) {
      const session = shown.session.length > maxSessionLength ? '' : shown.session;
      const isAnybody = session === '' && shown.token === '';
      const key = isAnybody ? path : `${path}\n${session}\n${shown.token}`;
      const known = kept.get(key) ?? asking.get(key);
      if (known !== undefined) return known;
      const answer = ask(path, { session, token: shown.token }, callId)
        .then((decision) => {
          const ttl = Math.min(decision.cacheSeconds * 1000, maxCacheMs);
          if (ttl >= 1) kept.set(key, decision, { ttl });
          return decision;
        })
        .finally(() => asking.delete(key));
      asking.set(key, answer);
      return answer;
    },
  };
}
