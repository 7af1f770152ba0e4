import type { NewToken, SessionList, TokenList } from '../api/account-schemas.ts';
import type { NewDestinationAnswer, NotificationsAnswer } from '../api/notifications-api.ts';
import type {
  AuditAnswer,
  DeploymentDetail,
  DeploymentPage,
  DeploymentRow,
  Done,
  FindingsAnswer,
  FunctionList,
  FunctionOne,
  Me,
  PlatformAnswer,
  SettingsAnswer,
  TriedAnswer,
} from '../api/schemas.ts';
import type { FunctionTraffic } from '../function-traffic.ts';

/** An answer other than 200: the status, and what the platform says about it. */
export class ApiError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** The questions that have JSON answers. */
interface Answers {
  readonly me: Me;
  readonly functions: FunctionList;
  readonly function: FunctionOne;
  readonly 'function-traffic': FunctionTraffic;
  readonly deployments: DeploymentPage;
  readonly deployment: DeploymentDetail;
  readonly settings: SettingsAnswer;
  readonly tokens: TokenList;
  readonly sessions: SessionList;
  readonly audit: AuditAnswer;
  readonly platform: PlatformAnswer;
  readonly findings: FindingsAnswer;
  readonly notifications: NotificationsAnswer;
}

/** What can be done, and what it answers. */
interface Actions {
  readonly 'roll-back': DeploymentRow;
  readonly redeploy: DeploymentRow;
  readonly cancel: DeploymentRow;
  readonly 'delete-function': Done;
  readonly 'remove-repo': Done;
  readonly try: TriedAnswer;
  readonly 'make-token': NewToken;
  readonly 'revoke-token': Done;
  readonly 'end-session': Done;
  readonly 'end-other-sessions': Done;
  readonly redrive: Done;
  readonly discard: Done;
  readonly 'add-destination': NewDestinationAnswer;
  readonly 'remove-destination': Done;
  readonly 'test-destination': Done;
  readonly redeliver: Done;
}

/** The address of a question. */
export function apiUrl(name: string, query: Readonly<Record<string, string>> = {}): string {
  const search = new URLSearchParams(query).toString();
  return `/dashboard/api/${name}${search === '' ? '' : `?${search}`}`;
}

/**
 * Asks the platform. The server makes these answers from the types that are named here.
 *
 * @throws ApiError for every other status; a TypeError if the platform cannot be reached.
 */
export async function askApi<Name extends keyof Answers>(
  name: Name,
  query: Readonly<Record<string, string>> = {},
  signal?: AbortSignal,
): Promise<Answers[Name]> {
  const init = signal === undefined ? {} : { signal };
  return (await request(apiUrl(name, query), init)) as Answers[Name];
}

/**
 * Has the platform do something.
 *
 * @throws as {@link askApi}
 */
export async function actApi<Name extends keyof Actions>(
  name: Name,
  body: object,
): Promise<Actions[Name]> {
  const headers = { 'content-type': 'application/json' };
  const init = { method: 'POST', headers, body: JSON.stringify(body) };
  return (await request(apiUrl(name), init)) as Actions[Name];
}

async function request(url: string, init: RequestInit): Promise<unknown> {
  const headers = { accept: 'application/json', ...init.headers };
  const answer = await fetch(url, { ...init, headers, redirect: 'error' });
  const body: unknown = await answer.json().catch(() => undefined);
  if (!answer.ok) throw new ApiError(answer.status, messageOf(body) ?? answer.statusText);
  return body;
}

function messageOf(body: unknown): string | undefined {
  const { error } = (body ?? {}) as { error?: { message?: unknown } };
  return typeof error?.message === 'string' ? error.message : undefined;
}
