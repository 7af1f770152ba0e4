import type { ServerResponse } from 'node:http';
import type * as v from 'valibot';
import type { ApiTokens } from '#shared/auth/api-tokens.ts';
import type { Identity } from '#shared/messages/identity.ts';
import type { ObjectStore } from '#shared/object-store/object-store.ts';
import type { Acting } from '#shared/pipeline/deployment-actions.ts';
import type { Records } from '#shared/pipeline/records.ts';
import type { PublicUrls } from '#shared/public-urls.ts';
import type { Site } from '#shared/router/site.ts';
import type { ask } from '../ask.ts';
import type { ReadDeployment } from '../deployment-reader.ts';
import type { ReadRow } from '../deployment-rows.ts';
import type { Installation } from '../installations.ts';
import type { Relaying } from '../relay.ts';
import type { Watch } from '../watch.ts';
import type { NotificationParts } from './notifications-api.ts';

/** What the API works with. */
export interface ApiParts extends Relaying {
  readonly gateway: Parameters<typeof ask>[0]['gateway'];
  readonly store: ObjectStore;
  readonly records: Records;
  readonly acting: Acting;
  readonly tokens: ApiTokens;
  readonly watch: Watch;
  readonly readDeployment: ReadDeployment;
  readonly readRow: ReadRow;
  readonly urls: PublicUrls;
  readonly site: Site;
  readonly scms: readonly Installation[];
  readonly notifications: NotificationParts;
}

/** A question of the page, or of a program. */
export interface ApiRequest<Body = unknown> {
  readonly query: URLSearchParams;
  /** As the route's schema reads it. */
  readonly body: Body;
  readonly visitor: Identity;
  readonly response: ServerResponse;
  readonly signal: AbortSignal;
}

/** A parameter of the query. */
export interface Parameter {
  readonly name: string;
  readonly meaning: string;
  readonly required?: true;
  readonly values?: readonly string[];
}

/** One route of the API, below `/dashboard/api/`. */
export interface ApiRoute {
  readonly method: 'GET' | 'POST';
  readonly name: string;
  /** For the API's description. */
  readonly summary: string;
  readonly query: readonly Parameter[];
  readonly body?: v.GenericSchema;
  /** The schema of a JSON answer, or the content type of one that is streamed. */
  readonly answer: v.GenericSchema | string;
  /** A value goes out as JSON; `undefined` means that the answer was streamed. */
  act(parts: ApiParts, request: ApiRequest): Promise<object | undefined>;
}

interface Described {
  readonly name: string;
  readonly summary: string;
  readonly query?: readonly Parameter[];
}

/** A route that reads. */
export function reading<Schema extends v.GenericSchema>(
  described: Described & {
    readonly answer: Schema;
    readonly act: (parts: ApiParts, request: ApiRequest) => Promise<v.InferOutput<Schema> & object>;
  },
): ApiRoute {
  return { method: 'GET', query: [], ...described };
}

/** A route whose answer is streamed. */
export function streaming(
  described: Described & {
    readonly answer: string;
    readonly act: (parts: ApiParts, request: ApiRequest) => Promise<void>;
  },
): ApiRoute {
  const act: ApiRoute['act'] = async (parts, request) => {
    await described.act(parts, request);
    return undefined;
  };
  return { method: 'GET', query: [], ...described, act };
}

/** A route that changes something, by a JSON body. */
export function acting<Body extends v.GenericSchema, Answer extends v.GenericSchema>(
  described: Omit<Described, 'query'> & {
    readonly body: Body;
    readonly answer: Answer;
    readonly act: (
      parts: ApiParts,
      request: ApiRequest<v.InferOutput<Body>>,
    ) => Promise<v.InferOutput<Answer> & object>;
  },
): ApiRoute {
  const act: ApiRoute['act'] = (parts, request) =>
    described.act(parts, request as ApiRequest<v.InferOutput<Body>>);
  return { method: 'POST', query: [], ...described, act };
}
