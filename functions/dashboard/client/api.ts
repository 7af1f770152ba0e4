import type {
  DeploymentDetail,
  DeploymentPage,
  FunctionList,
  Me,
  SettingsAnswer,
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
  readonly 'function-traffic': FunctionTraffic;
  readonly deployments: DeploymentPage;
  readonly deployment: DeploymentDetail;
  readonly settings: SettingsAnswer;
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
  const answer = await fetch(apiUrl(name, query), {
    headers: { accept: 'application/json' },
    redirect: 'error',
    ...(signal === undefined ? {} : { signal }),
  });
  const body: unknown = await answer.json().catch(() => undefined);
  if (!answer.ok) throw new ApiError(answer.status, messageOf(body) ?? answer.statusText);
  return body as Answers[Name];
}

function messageOf(body: unknown): string | undefined {
  const { error } = (body ?? {}) as { error?: { message?: unknown } };
  return typeof error?.message === 'string' ? error.message : undefined;
}
