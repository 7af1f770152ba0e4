import { toJsonSchema } from '@valibot/to-json-schema';
import type * as v from 'valibot';
import { sessionCookieName } from '#shared/auth/cookies.ts';
import { errorCodes } from '#shared/errors.ts';
import type { Site } from '#shared/router/site.ts';
import type { ApiRoute, Parameter } from './route.ts';

/** Where the API lies. */
export const apiBase = '/dashboard/api/';

const errorSchema = {
  type: 'object',
  required: ['error'],
  properties: {
    error: {
      type: 'object',
      required: ['status', 'message'],
      properties: {
        status: { type: 'integer' },
        message: { type: 'string', description: 'What happened, why, and how to fix it.' },
        callId: { type: 'string', description: "Finds the request in the operator's logs." },
      },
    },
  },
};

/**
 * The API's description, made from its routes.
 *
 * @see https://spec.openapis.org/oas/v3.1.1.html
 */
export function openApi(routes: readonly ApiRoute[], site: Site): Record<string, unknown> {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    paths[apiBase + route.name] = {
      ...paths[apiBase + route.name],
      [route.method.toLowerCase()]: operation(route),
    };
  }
  return {
    openapi: '3.1.1',
    info: {
      title: "The dashboard's API",
      version: '1',
      description:
        'What the dashboard shows and does, for programs. Make a token on the settings page. What belongs to others is 404.',
    },
    servers: [{ url: site.systemOrigin }],
    security: [{ token: [] }, { session: [] }],
    paths,
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'An API token: ofc_…' },
        session: {
          type: 'apiKey',
          in: 'cookie',
          name: sessionCookieName(site),
          description: 'The session of a browser that is signed in.',
        },
      },
      schemas: { Error: errorSchema },
      responses: {
        Error: {
          description: `Refused or failed: ${[...new Set(Object.values(errorCodes).map(({ status }) => status))].sort().join(', ')}.`,
          content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
        },
      },
    },
  };
}

function operation({ name, summary, query, body, answer }: ApiRoute): object {
  const [type, schema] =
    typeof answer === 'string' ? [answer, { type: 'string' }] : ['application/json', json(answer)];
  return {
    operationId: name.replace(/\W(\w)/g, (_, letter: string) => letter.toUpperCase()),
    summary,
    ...(query.length > 0 && { parameters: query.map(parameter) }),
    ...(body !== undefined && {
      requestBody: { required: true, content: { 'application/json': { schema: json(body) } } },
    }),
    responses: {
      '200': { description: summary, content: { [type]: { schema } } },
      default: { $ref: '#/components/responses/Error' },
    },
  };
}

function parameter({ name, meaning, required, values }: Parameter): object {
  const schema = { type: 'string', ...(values === undefined ? {} : { enum: values }) };
  return { name, in: 'query', description: meaning, required: required === true, schema };
}

/** OpenAPI 3.1 takes JSON Schema as it is, and says itself which version. */
function json(schema: v.GenericSchema): object {
  const { $schema: _, ...rest } = toJsonSchema(schema, { target: 'draft-2020-12' });
  return rest;
}
