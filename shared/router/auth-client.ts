import { LRUCache } from 'lru-cache';
import { Pool } from 'undici';
import * as v from 'valibot';
import { type Decision, decisionSchema, sessionHeader, tokenHeader } from '../auth/decision.ts';
import { CloudError, errorMessage } from '../errors.ts';
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
  close(): Promise<void>;
}

interface AuthClientOptions {
  /** Base URL of the gateway, without a trailing slash. */
  readonly gatewayUrl: string;
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
  const { gatewayUrl, signer, maxCacheMs, timeoutMs = 5000 } = options;
  const gateway = new URL(gatewayUrl);
  const pool = new Pool(gateway.origin, { connect: { timeout: timeoutMs } });
  const base = `${gateway.pathname.replace(/\/$/, '')}/function/of-auth`;
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
      const answer = await pool.request({
        method: 'GET',
        path: base + path,
        headers: {
          accept: 'application/json',
          'x-call-id': callId,
          [signatureHeader]: signed,
          ...(session === '' ? {} : { [sessionHeader]: session }),
          ...(token === '' ? {} : { [tokenHeader]: token }),
        },
        signal: AbortSignal.timeout(timeoutMs),
      });
      const text = await readLimited(answer.body);
      if (answer.statusCode !== 200) throw new Error(`status ${answer.statusCode}`);
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
    close: () => pool.close(),
  };
}

async function readLimited(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > maxAnswerBytes) throw new Error('the answer is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
