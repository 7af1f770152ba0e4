import { createHash, createHmac } from 'node:crypto';
import type { Readable } from 'node:stream';
import { buffer as readAll } from 'node:stream/consumers';
import axios, { isAxiosError } from 'axios';
import * as v from 'valibot';
import { CloudError } from '../errors.ts';
import { readLines } from '../read-lines.ts';
import { parsePublicKey, sealSecrets } from '../sealed-box.ts';
import { configEntry, secretsEntry } from '../tar/builder-request.ts';
import type { BuildContext, Builder, BuildRequest, BuiltImage } from './builder.ts';

/** What one line of an answer may have; more is not the protocol. */
const maxLineLength = 16 * 1024 * 1024;

/** One object of the builder's NDJSON answer. */
const answerSchema = v.object({
  status: v.optional(v.string()),
  log: v.optional(v.nullable(v.array(v.string()))),
  image: v.optional(v.string()),
  digest: v.optional(v.string()),
  error: v.optional(v.string()),
});

const publicKeySchema = v.object({ algorithm: v.literal('nacl/box'), public_key: v.string() });

/**
 * A {@link Builder} behind the HTTP protocol of OpenFaaS's builder: `POST <url>/build` with a signed
 * tar, answered by a stream of JSON lines.
 *
 * @param url Base URL, without a trailing slash.
 * @param payloadSecret Signs the body (`X-Build-Signature`).
 */
export function createHttpBuilder(url: string, payloadSecret: string): Builder {
  return {
    async build(request) {
      const { image, buildArgs, labels, platforms, skipPush } = request;
      const asked = platforms === undefined ? {} : { platforms: [...platforms] };
      const config = configEntry({ image, buildArgs, labels, skipPush, ...asked });
      // The signature stands before the body, so all of it must be there first.
      const secrets = await sealedEntry(url, request);
      const body = Buffer.concat([config, ...secrets, await readContext(request.context)]);
      const mac = createHmac('sha256', payloadSecret).update(body).digest('hex');
      const answer = await post(`${url}/build`, body, `sha256=${mac}`, request.signal);
      return readAnswer(answer, request);
    },
  };
}

/** Build secrets, sealed for the builder: they need no other protection on the way. */
async function sealedEntry(url: string, { secrets, signal }: BuildRequest): Promise<Buffer[]> {
  if (secrets === undefined || secrets.size === 0) return [];
  const answer = await axios
    .get<unknown>(`${url}/publickey`, {
      maxRedirects: 0,
      maxContentLength: 64 * 1024,
      proxy: false,
      signal,
      validateStatus: () => true,
    })
    .catch((error: unknown) => {
      throw isAxiosError(error) ? brokenOff(signal, error.code) : error;
    });
  const parsed = v.safeParse(publicKeySchema, answer.data);
  if (answer.status === 200 && parsed.success) {
    const key = parsePublicKey(parsed.output.public_key);
    return [secretsEntry(sealSecrets(key, Object.fromEntries(secrets)))];
  }
  throw new CloudError('OFC_BUILD_FAILED', 'The builder of this platform takes no build secrets.', {
    hint: 'Remove build_secrets from stack.yml, or ask the operator.',
  });
}

async function readContext({ open, digest }: BuildContext): Promise<Buffer> {
  const tar = await readAll(await open());
  const found = `sha256:${createHash('sha256').update(tar).digest('hex')}`;
  if (digest === undefined || digest === found) return tar;
  throw new CloudError('OFC_UPSTREAM', 'The stored build context is not the one that was planned.');
}

async function post(
  url: string,
  body: Buffer,
  signature: string,
  signal: AbortSignal,
): Promise<Readable> {
  try {
    const answer = await axios.post<Readable>(url, body, {
      responseType: 'stream',
      maxRedirects: 0,
      maxBodyLength: Number.POSITIVE_INFINITY,
      proxy: false,
      signal,
      validateStatus: () => true,
      headers: {
        'content-type': 'application/octet-stream',
        accept: 'application/x-ndjson',
        'x-build-signature': signature,
      },
    });
    if (answer.status === 200 || answer.status === 202) return answer.data;
    answer.data.destroy();
    throw refusal(answer.status);
  } catch (error) {
    throw isAxiosError(error) ? brokenOff(signal, error.code) : error;
  }
}

async function readAnswer(
  stream: Readable,
  { image, onLog, signal }: BuildRequest,
): Promise<BuiltImage> {
  try {
    for await (const line of readLines(stream, maxLineLength)) {
      if (line.trim() === '') continue;
      const answer = v.parse(v.pipe(v.string(), v.parseJson(), answerSchema), line);
      for (const entry of answer.log ?? []) onLog(entry);
      if (answer.status === 'success') {
        return { image: answer.image ?? image, digest: answer.digest };
      }
      if (answer.status === 'failed' || answer.status === 'failure') {
        throw new CloudError('OFC_BUILD_FAILED', answer.error ?? 'The image did not build.', {
          hint: 'See the build log.',
        });
      }
    }
  } catch (error) {
    throw error instanceof CloudError ? error : brokenOff(signal);
  } finally {
    stream.destroy();
  }
  throw brokenOff(signal);
}

function refusal(status: number): CloudError {
  if (status === 429 || status === 503) return new CloudError('OFC_BUSY', 'The builder is busy.');
  if (status === 401 || status === 403) {
    return new CloudError('OFC_CONFIG', 'The builder refused our signature.', {
      hint: 'Give of-builder and the builder the same payload-secret.',
    });
  }
  if (status === 413) {
    return new CloudError('OFC_BUILD_FAILED', 'The build context is too large for the builder.');
  }
  return new CloudError('OFC_UPSTREAM', `The builder answered ${status}.`);
}

function brokenOff(signal: AbortSignal, why = 'it broke off'): CloudError {
  if (signal.aborted) return new CloudError('OFC_TIMEOUT', 'The build was ended.');
  return new CloudError('OFC_UPSTREAM', `The builder did not finish its answer (${why}).`);
}
