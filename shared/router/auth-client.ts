import { LRUCache } from 'lru-cache';
import { Pool } from 'undici';
import * as v from 'valibot';
import { type Decision, decisionPath, decisionSchema, sessionHeader } from '../auth/decision.ts';
import { CloudError, errorMessage } from '../errors.ts';
import { type Signer, signatureHeader } from '../messages/signature.ts';

/** Asks of-auth, and keeps its answers for a short while. */
export interface AuthClient {
  /**
   * The decision about a resource (see `route-policy.ts`) for a session; at once if it is kept.
   *
   * @param session The session token as the visitor sent it; empty if there is none.
   * @throws CloudError `OFC_UPSTREAM` if there is no proper answer: then nobody may enter.
   */
  decide(resource: string, session: string, callId: string): Decision | Promise<Decision>;
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
  });
  const asking = new Map<string, Promise<Decision>>();

  const ask = async (resource: string, session: string, callId: string): Promise<Decision> => {
    const path = `${decisionPath}?resource=${encodeURIComponent(resource)}`;
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
    decide(resource, given, callId) {
      const session = given.length > maxSessionLength ? '' : given;
      const key = `${resource}\n${session}`;
      const known = kept.get(key) ?? asking.get(key);
      if (known !== undefined) return known;
      const question = ask(resource, session, callId)
        .then((decision) => {
          const ttl = Math.min(decision.cacheSeconds * 1000, maxCacheMs);
          if (ttl >= 1) kept.set(key, decision, { ttl });
          return decision;
        })
        .finally(() => asking.delete(key));
      asking.set(key, question);
      return question;
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
