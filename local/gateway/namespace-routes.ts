import { CloudError } from '#shared/errors.ts';
import type { SecretStore } from '../secrets/secret-store.ts';
import { readShape, sendJson, sendText } from './http-answers.ts';
import { type Namespaces, namespaceSchema } from './namespaces.ts';
import type { Route, RouteContext } from './routes.ts';
import type { SpecStore } from './spec-store.ts';

interface NamespaceRoutesOptions {
  readonly namespaces: Namespaces;
  readonly specs: SpecStore;
  readonly secrets: SecretStore;
}

/** `/system/namespaces` and `/system/namespace/NAME`, as faas-cli's `namespace` commands use them. */
export function namespaceRoutes({ namespaces, specs, secrets }: NamespaceRoutesOptions): Route[] {
  const list = ({ response }: RouteContext) => sendJson(response, 200, namespaces.list());
  const isEmpty = async (name: string): Promise<boolean> =>
    specs.all().every(({ namespace }) => namespace !== name) &&
    (await secrets.in(name).list()).length === 0;

  const read = async ({ request, name: inPath }: RouteContext) => {
    const { name, labels, annotations } = await readShape(request, namespaceSchema);
    if (inPath !== '' && name !== inPath) {
      throw new CloudError('OFC_BAD_REQUEST', 'The body names another namespace than the path.');
    }
    return { name, labels: labels ?? {}, annotations: annotations ?? {} };
  };

  return [
    { path: '/system/namespaces', methods: { GET: list } },
    {
      path: /^\/system\/namespace\/([-\w.]*)$/,
      methods: {
        GET(context) {
          if (context.name === '') return list(context);
          sendJson(context.response, 200, namespaces.get(context.name));
        },
        async POST(context) {
          await namespaces.create(await read(context));
          sendText(context.response, 201);
        },
        async PUT(context) {
          await namespaces.update(await read(context));
          sendText(context.response, 202);
        },
        async DELETE({ response, name }) {
          await namespaces.remove(name, () => isEmpty(name));
          sendText(response, 202);
        },
      },
    },
  ];
}
