import * as v from 'valibot';
import { CloudError } from '#shared/errors.ts';
import type { GatewayMetrics } from '../metrics/gateway-metrics.ts';
import type { FunctionSpec, Provider } from '../provider/provider.ts';
import type { Deployments } from './deployments.ts';
import { readJson, readShape, sendJson, sendText } from './http-answers.ts';
import { functionName, isOurNamespace } from './namespace.ts';
import { parseDeployment } from './parse-deployment.ts';
import type { Route, RouteContext } from './routes.ts';
import type { SpecStore } from './spec-store.ts';

interface FunctionRoutesOptions {
  readonly provider: Provider;
  readonly specs: SpecStore;
  readonly deployments: Deployments;
  readonly metrics: GatewayMetrics;
}

const deleteSchema = v.object({ functionName: v.pipe(v.string(), v.minLength(1)) });
const scaleSchema = v.object({ replicas: v.pipe(v.number(), v.integer(), v.minValue(0)) });

/** `com.openfaas.scale.max` where a function does not say it; CE has no more than that. */
const defaultMaxReplicas = 5;

/** `/system/functions`, `/system/function/NAME` and `/system/scale-function/NAME`. */
export function functionRoutes(options: FunctionRoutesOptions): Route[] {
  const { provider, specs, deployments, metrics } = options;

  const status = ({ service, ...spec }: FunctionSpec, withUsage: boolean) => {
    const { usage, ...found } = provider.status(service) ?? { replicas: 0, availableReplicas: 0 };
    return {
      name: service,
      ...spec,
      ...found,
      ...(withUsage && usage !== undefined ? { usage } : {}),
      invocationCount: metrics.invocations(`${service}.${spec.namespace}`),
    };
  };

  const known = (name: string): FunctionSpec => {
    const spec = specs.get(functionName(name));
    if (spec === undefined) {
      throw new CloudError('OFC_NOT_FOUND', `There is no function "${name}".`);
    }
    return spec;
  };

  const read = async ({ request }: RouteContext): Promise<FunctionSpec> =>
    parseDeployment(await readJson(request), new Date().toISOString());

  return [
    {
      path: '/system/functions',
      methods: {
        GET({ response, query }) {
          requireNamespace(query.get('namespace'));
          sendJson(
            response,
            200,
            specs.all().map((spec) => status(spec, query.get('usage') === '1')),
          );
        },
        async POST(context) {
          await deployments.apply(await read(context));
          sendText(context.response, 202);
        },
        async PUT(context) {
          const spec = await read(context);
          known(spec.service);
          await deployments.apply(spec);
          sendText(context.response, 202);
        },
        async DELETE({ request, response }) {
          const { functionName: name } = await readShape(request, deleteSchema);
          await deployments.remove(known(name).service);
          sendText(response, 202);
        },
      },
    },
    {
      path: /^\/system\/function\/([-\w.]+)$/,
      methods: {
        GET({ response, name, query }) {
          requireNamespace(query.get('namespace'));
          const usage = query.get('usage');
          sendJson(response, 200, status(known(name), usage === '1' || usage === 'true'));
        },
      },
    },
    {
      path: /^\/system\/scale-function\/([-\w.]+)$/,
      methods: {
        async POST({ request, response, name }) {
          const { replicas } = await readShape(request, scaleSchema);
          const spec = known(name);
          await deployments.scale(spec.service, Math.min(replicas, maxReplicas(spec)));
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

function requireNamespace(name: string | null): void {
  if (!isOurNamespace(name)) {
    throw new CloudError('OFC_BAD_REQUEST', `There is no namespace "${name}" on this gateway.`);
  }
}
