import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import type { FunctionSpec, Provider } from '../../../local/provider/provider.ts';

/** A complete spec from its interesting parts. */
export function specOf(service: string, parts: Partial<FunctionSpec> = {}): FunctionSpec {
  return {
    service,
    image: `registry/${service}:1`,
    namespace: 'openfaas-fn',
    envVars: {},
    constraints: [],
    secrets: [],
    labels: {},
    annotations: {},
    readOnlyRootFilesystem: false,
    createdAt: new Date().toISOString(),
    ...parts,
  };
}

/** One request to a function, as the gateway makes it. */
export async function call(provider: Provider, service: string, path = '/'): Promise<string> {
  const { endpoint, release } = await provider.acquire(service);
  try {
    return await new Promise<string>((resolve, reject) => {
      const asked = request({ ...endpoint, path, agent: false }, (response) => {
        text(response).then(resolve, reject);
      });
      asked.on('error', reject).end();
    });
  } finally {
    release();
  }
}
