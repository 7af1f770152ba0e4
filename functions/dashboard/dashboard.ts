import type { IncomingMessage, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { gzip, type ZlibOptions } from 'node:zlib';
import type { RawHandler } from '#runtime-types';
import { CloudError, toCloudError } from '#shared/errors.ts';
import { type Identity, identityHeader, verifyIdentity } from '#shared/messages/identity.ts';
import { signedPath, singleHeader } from '#shared/messages/receive.ts';
import { receivedRequest } from '#shared/messages/received-request.ts';
import { type Signer, signatureHeader } from '#shared/messages/signature.ts';
import { sendError } from '#shared/web/error-page.ts';
import { readBody } from '#shared/web/read-body.ts';
import type { ApiParts } from './api/route.ts';
import { answerApi } from './api/routes.ts';
import { badgeBase, createBadges } from './badge.ts';
import type { Asset } from './page-files.ts';
import { type PageFiles, pageShell, shellHeaders } from './page-shell.ts';

/** What the dashboard works with. */
export interface DashboardParts extends ApiParts {
  readonly files: PageFiles;
  readonly assets: ReadonlyMap<string, Asset>;
}

const base = '/dashboard';
const maxBodyBytes = 128 * 1024;
const packFrom = 4096;
const pack = promisify<string, ZlibOptions, Buffer>(gzip);

/** Makes the dashboard's handler: the page, its files, and the API behind it. */
export function createDashboard(parts: DashboardParts): RawHandler {
  const shell = pageShell(parts.files);
  const badges = createBadges(parts);
  return async (request, response, { callId, log, signal }) => {
    try {
      const [path = ''] = (request.url ?? '').split('?');
      if (path.startsWith(badgeBase)) return sendBadge(await badges(path), request, response);
      const visitor = visitorOf(parts.signer, request);
      const below = path.slice(base.length);
      if (below.startsWith('/api/')) {
        const query = new URL(request.url ?? '', 'http://dashboard').searchParams;
        const name = below.slice('/api/'.length);
        const asked = { query, visitor, response, signal };
        const body = () => readJsonBody(request);
        const answer = await answerApi(parts, request.method ?? '', name, asked, body);
        if (answer !== undefined) await sendJson(request, response, answer);
        return;
      }
      if (request.method !== 'GET' && request.method !== 'HEAD') {
        throw new CloudError('OFC_METHOD', 'Only GET and HEAD are supported.');
      }
      if (below.startsWith('/assets/')) return sendAsset(parts.assets, below, request, response);
      response.writeHead(200, shellHeaders);
      response.end(request.method === 'HEAD' ? undefined : shell);
    } catch (thrown) {
      const error = toCloudError(thrown);
      if (error.kind !== 'user') log.error(error.message, { code: error.code });
      if (response.headersSent) return void response.destroy();
      sendError(request, response, { status: error.status, message: error.text, callId });
    }
  };
}

/** Who asks, as of-router vouches for it. */
function visitorOf(signer: Signer, request: IncomingMessage): Identity {
  const received = receivedRequest(request);
  return verifyIdentity(signer, 'dashboard', signedPath(received), {
    identity: singleHeader(received, identityHeader),
    signature: singleHeader(received, signatureHeader),
  });
}

/**
 * The body of a request that changes something. Its content type is one that no form of another site can
 * send: of-auth refuses those already, by where they say they come from.
 *
 * @throws CloudError `OFC_MEDIA_TYPE`, `OFC_TOO_LARGE`
 */
async function readJsonBody(request: IncomingMessage): Promise<string> {
  const type = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
  if (type !== 'application/json') {
    throw new CloudError('OFC_MEDIA_TYPE', 'The body must be JSON: content-type application/json.');
  }
  return (await readBody(request, maxBodyBytes)).toString('utf8');
}

function sendAsset(
  assets: DashboardParts['assets'],
  below: string,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const asset = assets.get(below.slice('/assets/'.length));
  if (asset === undefined) throw new CloudError('OFC_NOT_FOUND', 'There is no such file.');
  const packed = /\bbr\b/.test(String(request.headers['accept-encoding'] ?? ''));
  const body = packed ? asset.brotli : asset.content;
  response.writeHead(200, {
    'content-type': asset.contentType,
    'content-length': body.length,
    'cache-control': 'private, max-age=31536000, immutable',
    'x-content-type-options': 'nosniff',
    vary: 'accept-encoding',
    ...(packed ? { 'content-encoding': 'br' } : {}),
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}

function sendBadge(svg: string, request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, {
    'content-type': 'image/svg+xml; charset=utf-8',
    'content-length': Buffer.byteLength(svg),
    'cache-control': 'public, max-age=60',
    'content-security-policy': "default-src 'none'",
    'x-content-type-options': 'nosniff',
  });
  response.end(request.method === 'HEAD' ? undefined : svg);
}

/** Long lists are mostly repetition: packed they are a thirtieth. */
async function sendJson(
  request: IncomingMessage,
  response: ServerResponse,
  value: object,
): Promise<void> {
  const text = JSON.stringify(value);
  const packs =
    text.length > packFrom && /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''));
  const body = packs ? await pack(text, { level: 1 }) : Buffer.from(text);
  response.writeHead(200, {
    'content-type': 'application/json',
    'content-length': body.length,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    vary: 'accept-encoding',
    ...(packs ? { 'content-encoding': 'gzip' } : {}),
  });
  response.end(body);
}
