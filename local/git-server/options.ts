import type { Logger } from '#shared/log.ts';

/** What {@link createGitServer} needs. Addresses are functions: a port may be known only later. */
export interface GitServerOptions {
  /** Everything the server keeps lies here. */
  readonly folder: string;
  /** Path below which it is mounted, without a slash at the end: `/git`. */
  readonly basePath: string;
  /** The address of `basePath` as clients see it: `http://127.0.0.1:8080/git`. */
  readonly publicUrl: () => string;
  readonly webhook: {
    /** Where signed webhooks go. */
    readonly url: () => string;
    readonly secret: string;
    /** `Host` to send instead of the one in `url`, for receivers that are told apart by it. */
    readonly hostHeader?: string;
  };
  readonly app: {
    readonly id: number;
    /** Checks the RS256 tokens with which the app asks for installation tokens. */
    readonly publicKeyPem: string;
    readonly clientId: string;
    readonly clientSecret: string;
    /** `redirect_uri` of a log-in must be this address or lie below it. */
    readonly callbackUrl: () => string;
  };
  readonly log: Logger;
  /** Largest pack that one push may bring; 1 GiB unless told. */
  readonly maxPushBytes?: number;
  /** For how long nobody must have pushed until repos are packed; a minute unless told. */
  readonly quietMs?: number;
}
