import * as v from 'valibot';
import type { SecretStore } from '../secrets/secret-store.ts';
import { readShape, sendJson, sendText } from './http-answers.ts';
import { namespace, namespaceField } from './namespace.ts';
import type { Route } from './routes.ts';

const named = {
  name: v.pipe(v.string(), v.minLength(1)),
  namespace: v.optional(namespaceField),
};

const secretSchema = v.pipe(
  v.object({
    ...named,
    value: v.optional(v.string(), ''),
    rawValue: v.optional(v.nullable(v.pipe(v.string(), v.base64()))),
  }),
  v.transform(({ name, value, rawValue }) => ({
    name,
    value: rawValue ? Buffer.from(rawValue, 'base64') : Buffer.from(value),
  })),
);

/** `/system/secrets`. Values go in and never come out. */
export function secretRoutes(secrets: SecretStore): Route[] {
  return [
    {
      path: '/system/secrets',
      methods: {
        async GET({ response }) {
          const names = await secrets.list();
          sendJson(
            response,
            200,
            names.map((name) => ({ name, namespace })),
          );
        },
        async POST({ request, response }) {
          const { name, value } = await readShape(request, secretSchema);
          await secrets.create(name, value);
          sendText(response, 202);
        },
        async PUT({ request, response }) {
          const { name, value } = await readShape(request, secretSchema);
          await secrets.update(name, value);
          sendText(response, 202);
        },
        async DELETE({ request, response }) {
          const { name } = await readShape(request, v.object(named));
          await secrets.remove(name);
          sendText(response, 202);
        },
      },
    },
  ];
}
