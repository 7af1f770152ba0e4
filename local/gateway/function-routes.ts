import * as v from 'valibot';
import { CloudError } from '#shared/errors.ts';
import type { GatewayMetrics } from '../metrics/gateway-metrics.ts';
import { type FunctionSpec, functionId, type Provider } from '../provider/provider.ts';
import type { Deployments } from './deployments.ts';
import { readJson, readShape, sendJson, sendText } from './http-answers.ts';
import { addressedId, namespaceField, namespaceOf } from './namespace.ts';
import type { Namespaces } from './namespaces.ts';
import { parseDeployment } from './parse-deployment.ts';
import type { Route, RouteContext } from './routes.ts';
import type { SpecStore } from './spec-store.ts';

interface FunctionRoutesOptions {
  readonly provider: Provider;
  readonly specs: SpecStore;
  readonly namespaces: Namespaces;
  readonly deployments: Deployments;
  readonly metrics: GatewayMetrics;
}

const deleteSchema = v.object({
  functionName: v.pipe(v.string(), v.minLength(1)),
  namespace: namespaceField,
});
const scaleSchema = v.object({
  replicas: v.pipe(v.number(), v.integer(), v.minValue(0)),
  namespace: namespaceField,
});

/** `com.openfaas.scale.max` where a function does not say it; CE has no more than that. */
const defaultMaxReplicas = 5;

/** `/system/functions`, `/system/function/NAME` and `/system/scale-function/NAME`. */
export function functionRoutes(options: FunctionRoutesOptions): Route[] {
  const { provider, specs, namespaces, deployments, metrics } = options;

  const status = (of: FunctionSpec, withUsage: boolean) => {
    const { service, ...spec } = of;
    const { usage, ...found } = provider.status(functionId(of)) ?? {
      replicas: 0,
      availableReplicas: 0,
    };
    return {
      name: service,
      ...spec,
      ...found,
      ...(withUsage && usage !== undefined ? { usage } : {}),
      invocationCount: metrics.invocations(`${service}.${spec.namespace}`),
    };
  };

  /** Faas-cli gives the namespace in the query or in the body; a caller may have put it into the name. */
  const known = (name: string, namespace: string | null | undefined): FunctionSpec => {
    const spec = specs.get(addressedId(name, namespaces.require(namespaceOf(namespace))));
    if (spec === undefined) {
      throw new CloudError('OFC_NOT_FOUND', `There is no function "${name}".`);
    }
    return spec;
  };

  const read = async ({ request }: RouteContext): Promise<FunctionSpec> => {
    const spec = parseDeployment(await readJson(request), new Date().toISOString());
    namespaces.require(spec.namespace);
    return spec;
  };

  return [
    {
      path: '/system/functions',
      methods: {
        GET({ response, query }) {
          const wanted = namespaces.require(namespaceOf(query.get('namespace')));
          const listed = specs.all().filter(({ namespace }) => namespace === wanted);
          const usage = query.get('usage') === '1';
          sendJson(
            response,
            200,
            listed.map((spec) => status(spec, usage)),
          );
        },
        async POST(context) {
          await deployments.apply(await read(context));
          sendText(context.response, 202);
        },
        async PUT(context) {
          const spec = await read(context);
          known(spec.service, spec.namespace);
          await deployments.apply(spec);
          sendText(context.response, 202);
        },
        async DELETE({ request, response, query }) {
          const { functionName: name, namespace } = await readShape(request, deleteSchema);
          await deployments.remove(functionId(known(name, namespace || query.get('namespace'))));
          sendText(response, 202);
        },
      },
    },
    {
      path: /^\/system\/function\/([-\w.]+)$/,
      methods: {
        GET({ response, name, query }) {
          const usage = query.get('usage');
          const spec = known(name, query.get('namespace'));
          sendJson(response, 200, status(spec, usage === '1' || usage === 'true'));
        },
      },
    },
    {
      path: /^\/system\/scale-function\/([-\w.]+)$/,
      methods: {
        async POST({ request, response, name, query }) {
          const { replicas, namespace } = await readShape(request, scaleSchema);
          const spec = known(name, namespace || query.get('namespace'));
          await deployments.scale(functionId(spec), Math.min(replicas, maxReplicas(spec)));
          sendText(response, 202);
        },
      },
    },
  ];
}

function maxReplicas({ labels }: FunctionSpec): number {
  const max = Number(labels['com.openfaas.scale.max']);
  return Number.isInteger(max) && max > 0 ? max : defaultMaxReplicas;
}
