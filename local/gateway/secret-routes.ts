import * as v from 'valibot';
import type { SecretStore } from '../secrets/secret-store.ts';
import { readShape, sendJson, sendText } from './http-answers.ts';
import { namespaceField, namespaceOf } from './namespace.ts';
import type { Namespaces } from './namespaces.ts';
import type { Route } from './routes.ts';

const named = {
  name: v.pipe(v.string(), v.minLength(1)),
  namespace: namespaceField,
};

const secretSchema = v.pipe(
  v.object({
    ...named,
    value: v.optional(v.string(), ''),
    rawValue: v.optional(v.nullable(v.pipe(v.string(), v.base64()))),
  }),
  v.transform(({ name, namespace, value, rawValue }) => ({
    name,
    namespace,
    value: rawValue ? Buffer.from(rawValue, 'base64') : Buffer.from(value),
  })),
);

/** `/system/secrets`. Values go in and never come out. */
export function secretRoutes(secrets: SecretStore, namespaces: Namespaces): Route[] {
  const storeOf = (namespace: string | null | undefined): SecretStore =>
    secrets.in(namespaces.require(namespaceOf(namespace)));
  return [
    {
      path: '/system/secrets',
      methods: {
        async GET({ response, query }) {
          const namespace = namespaceOf(query.get('namespace'));
          const names = await storeOf(namespace).list();
          sendJson(
            response,
            200,
            names.map((name) => ({ name, namespace })),
          );
        },
        async POST({ request, response }) {
          const { name, namespace, value } = await readShape(request, secretSchema);
          await storeOf(namespace).create(name, value);
          sendText(response, 202);
        },
        async PUT({ request, response }) {
          const { name, namespace, value } = await readShape(request, secretSchema);
          await storeOf(namespace).update(name, value);
          sendText(response, 202);
        },
        async DELETE({ request, response }) {
          const { name, namespace } = await readShape(request, v.object(named));
          await storeOf(namespace).remove(name);
          sendText(response, 202);
        },
      },
    },
  ];
}
