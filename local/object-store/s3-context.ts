import type { ServerResponse } from 'node:http';
import type { MultipartUploads } from './multipart.ts';
import type { ObjectFiles } from './object-files.ts';
import { type Payload, readPayload } from './payload.ts';
import { S3Error } from './s3-error.ts';
import type { S3Request } from './s3-request.ts';
import type { SignedPayload } from './sigv4.ts';

/** One request whose signature holds, and what is needed to answer it. */
export interface S3Context {
  readonly request: S3Request;
  readonly response: ServerResponse;
  readonly files: ObjectFiles;
  readonly uploads: MultipartUploads;
  /** Asks for the body; it is checked while it is read. */
  readonly payload: () => Payload;
}

/** Makes the context; a client that waits for `100 Continue` gets it when the body is wanted. */
export function createContext(parts: Omit<S3Context, 'payload'>, signed: SignedPayload): S3Context {
  const payload = (): Payload => {
    const opened = readPayload(parts.request, signed);
    if (parts.request.headers.get('expect')?.toLowerCase() === '100-continue') {
      parts.response.writeContinue();
    }
    return opened;
  };
  return { ...parts, payload };
}

/** The value of a query parameter that the operation needs. */
export function needQuery({ query }: S3Request, name: string): string {
  const value = query.get(name);
  if (value === undefined)
    throw new S3Error('InvalidArgument', `The parameter ${name} is missing.`);
  return value;
}

/** Answers with an XML document. */
export function sendXml(response: ServerResponse, xml: string, status = 200): void {
  response.writeHead(status, {
    'content-type': 'application/xml',
    'content-length': Buffer.byteLength(xml),
  });
  response.end(xml);
}

/** Answers without a body. */
export function sendEmpty(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { ...headers, ...(status === 204 ? {} : { 'content-length': '0' }) });
  response.end();
}
