import { createHash, createHmac } from 'node:crypto';
import { request } from 'node:http';

/** A request signed by hand, so that tests can sign what no SDK would send. */
export interface RawRequest {
  readonly method: string;
  /** Path and query as they go over the wire; they must be in canonical form already. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The value of `x-amz-content-sha256`; the digest of the body unless given. */
  readonly payload?: string;
  readonly body?: string | Buffer;
  readonly date?: Date;
  readonly region?: string;
  readonly accessKey?: string;
  readonly secretKey?: string;
}

/** What came back. */
export interface RawAnswer {
  readonly status: number;
  readonly code: string | undefined;
  readonly body: string;
}

export const sha256 = (text: string | Buffer): string =>
  createHash('sha256').update(text).digest('hex');
const hmac = (key: string | Buffer, text: string): Buffer =>
  createHmac('sha256', key).update(text).digest();

/** The headers of a signed request, and how its chunks are signed. */
export function sign(host: string, raw: RawRequest) {
  const { method, headers = {}, body = '', region = 'us-east-1' } = raw;
  const date = (raw.date ?? new Date()).toISOString().replace(/[-:]|\.\d+/g, '');
  const day = date.slice(0, 8);
  const scope = `${day}/${region}/s3/aws4_request`;
  const key = ['aws4_request', 's3', region, day].reduceRight<string | Buffer>(
    (secret, part) => hmac(secret, part),
    `AWS4${raw.secretKey ?? 'test-secret'}`,
  );
  const payload = raw.payload ?? sha256(body);
  const all: Record<string, string> = {
    ...headers,
    host,
    'x-amz-date': date,
    'x-amz-content-sha256': payload,
  };
  const names = Object.keys(all).sort();
  const [path = '', query = ''] = raw.path.split('?', 2);
  const canonical = [
    method,
    path,
    query,
    ...names.map((name) => `${name}:${all[name]}`),
    '',
    names.join(';'),
    payload,
  ].join('\n');
  const head = `${date}\n${scope}\n`;
  const seal = (kind: string, rest: string) =>
    hmac(key, `AWS4-HMAC-SHA256${kind}\n${head}${rest}`).toString('hex');
  const signature = seal('', sha256(canonical));
  const credential = `${raw.accessKey ?? 'test-access'}/${scope}`;
  return {
    headers: {
      ...all,
      authorization: `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names.join(';')}, Signature=${signature}`,
    },
    signature,
    seal,
    credential,
    date,
  };
}

/** Signs and sends; `change` may spoil what was signed. */
export function sendRaw(
  url: string,
  raw: RawRequest,
  change: { path?: string; headers?: Record<string, string>; body?: string | Buffer } = {},
): Promise<RawAnswer> {
  const { host } = new URL(url);
  const body = change.body ?? raw.body ?? '';
  const length = { 'content-length': String(Buffer.byteLength(body)) };
  const headers = { ...length, ...sign(host, raw).headers, ...change.headers };
  return send(url, raw.method, change.path ?? raw.path, headers, body);
}

/** Sends what it is told to send. */
export function send(
  url: string,
  method: string,
  path: string,
  headers: Record<string, string>,
  body: string | Buffer = '',
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method, path, headers, agent: false }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('error', reject);
      answer.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        const code = /<Code>(\w+)<\/Code>/.exec(text)?.[1];
        resolve({ status: answer.statusCode ?? 0, code, body: text });
      });
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
