import { CloudError } from '#shared/errors.ts';
import type { FunctionDeployment, FunctionStatus } from '#shared/gateway/function-status.ts';
import type {
  GatewayClient,
  GatewaySecrets,
  InvocationAnswer,
} from '#shared/gateway/gateway-client.ts';

/** A gateway in memory that keeps what it was asked, for a test to look at and to steer. */
export interface MemoryGateway extends GatewayClient, GatewaySecrets {
  readonly functions: Map<string, FunctionStatus>;
  readonly secrets: Map<string, Buffer>;
  /** Each call that changed or invoked something: `deploy alice-fn`, `remove …`, `invoke …`. */
  readonly calls: string[];
  /** What a function looks like after it was deployed; ready unless a test says otherwise. */
  onDeploy: (deployment: FunctionDeployment) => Partial<FunctionStatus>;
  onInvoke: (name: string, body: string) => Promise<Partial<InvocationAnswer>>;
}

/** Makes a {@link MemoryGateway} with some functions. */
export function createMemoryGateway(...running: readonly Partial<FunctionStatus>[]): MemoryGateway {
  const functions = new Map<string, FunctionStatus>();
  const secrets = new Map<string, Buffer>();
  const put = (status: Partial<FunctionStatus>) => {
    const name = status.name ?? '';
    const usual = { image: '', replicas: 1, availableReplicas: 1, invocationCount: 0 };
    functions.set(name, { ...usual, ...status, name });
  };
  for (const status of running) put(status);
  const gateway: MemoryGateway = {
    functions,
    secrets,
    calls: [],
    onDeploy: () => ({}),
    onInvoke: async () => ({ status: 200 }),
    list: async () => [...functions.values()],
    get: async (name) => functions.get(name),
    async deploy(deployment) {
      gateway.calls.push(`deploy ${deployment.service}`);
      const { service, image, labels, annotations } = deployment;
      put({
        name: service,
        image,
        labels: { ...labels },
        annotations: { ...annotations },
        ...gateway.onDeploy(deployment),
      });
    },
    async remove(name) {
      gateway.calls.push(`remove ${name}`);
      functions.delete(name);
    },
    listSecrets: async () => [...secrets.keys()],
    async putSecret(name, value) {
      gateway.calls.push(`putSecret ${name}`);
      secrets.set(name, value);
    },
    async removeSecret(name) {
      gateway.calls.push(`removeSecret ${name}`);
      secrets.delete(name);
    },
    invokeAsync: () => Promise.reject(new CloudError('OFC_INTERNAL', 'This gateway has no queue.')),
    async invoke(name, { body = '' }) {
      gateway.calls.push(`invoke ${name}`);
      const answer = await gateway.onInvoke(name, String(body));
      return { status: 200, headers: {}, body: Buffer.alloc(0), ...answer };
    },
  };
  return gateway;
}
