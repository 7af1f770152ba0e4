import * as v from 'valibot';
import { CloudError } from '#shared/errors.ts';
import { actionRoutes } from './actions-api.ts';
import { auditRoutes } from './audit-api.ts';
import { bodyProblem } from './body-problem.ts';
import { deploymentRoutes } from './deployments-api.ts';
import { eventRoutes } from './events-api.ts';
import { functionRoutes } from './functions-api.ts';
import { notificationRoutes } from './notifications-api.ts';
import { openApi } from './openapi.ts';
import { platformRoutes } from './platform-api.ts';
import { type ApiParts, type ApiRequest, type ApiRoute, reading } from './route.ts';
import { sessionRoutes } from './sessions-api.ts';
import { settingsRoutes } from './settings-api.ts';
import { tokenRoutes } from './tokens-api.ts';

/** All routes of the API; its description is made from them. */
export const apiRoutes: readonly ApiRoute[] = [
  ...functionRoutes,
  ...deploymentRoutes,
  ...eventRoutes,
  ...actionRoutes,
  ...auditRoutes,
  ...platformRoutes,
  ...settingsRoutes,
  ...tokenRoutes,
  ...sessionRoutes,
  ...notificationRoutes,
  reading({
    name: 'openapi.json',
    summary: 'This description.',
    answer: v.record(v.string(), v.unknown()),
    act: async ({ site }) => openApi(apiRoutes, site),
  }),
];

/**
 * Answers one request: a value goes out as JSON; `undefined` means that the answer was streamed.
 *
 * @param name Below `/dashboard/api/`.
 * @param readBody The body of a request that has one, as text.
 * @throws CloudError whose status is the answer; what belongs to others is not found.
 */
export async function answerApi(
  parts: ApiParts,
  method: string,
  name: string,
  request: Omit<ApiRequest, 'body'>,
  readBody: () => Promise<string>,
): Promise<object | undefined> {
  const named = apiRoutes.filter((route) => route.name === name);
  const route = named.find((each) => each.method === (method === 'HEAD' ? 'GET' : method));
  if (route === undefined) {
    if (named.length === 0)
      throw new CloudError('OFC_NOT_FOUND', 'There is no such route.', {
        hint: '/dashboard/api/openapi.json describes them all.',
      });
    throw new CloudError('OFC_METHOD', `Use ${named.map((each) => each.method).join(' or ')}.`);
  }
  if (route.method === 'POST' && request.visitor.readOnly) {
    throw new CloudError('OFC_FORBIDDEN', 'This API token is for reading only.');
  }
  const body = route.body === undefined ? undefined : parseBody(route.body, await readBody());
  return await route.act(parts, { ...request, body });
}

function parseBody(schema: v.GenericSchema, text: string): unknown {
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), schema), text);
  if (parsed.success) return parsed.output;
  throw new CloudError('OFC_BAD_REQUEST', bodyProblem(parsed.issues[0]), {
    hint: '/dashboard/api/openapi.json describes the body of each route.',
  });
}
