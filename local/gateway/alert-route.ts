import * as v from 'valibot';
import { type FunctionSpec, functionId, type Provider } from '../provider/provider.ts';
import type { Deployments } from './deployments.ts';
import { readShape, sendText } from './http-answers.ts';
import { addressedId } from './namespace.ts';
import type { Route } from './routes.ts';
import type { SpecStore } from './spec-store.ts';

const alertSchema = v.object({
  alerts: v.array(
    v.object({ status: v.string(), labels: v.object({ function_name: v.string() }) }),
  ),
});

/** `POST /system/alert`: Alertmanager's webhook. A firing alert adds replicas, its end resets them. */
export function alertRoute(provider: Provider, specs: SpecStore, deployments: Deployments): Route {
  return {
    path: '/system/alert',
    methods: {
      async POST({ request, response }) {
        const { alerts } = await readShape(request, alertSchema);
        for (const { status, labels } of alerts) {
          const spec = specs.get(addressedId(labels.function_name));
          if (spec === undefined) continue;
          const current = provider.status(functionId(spec))?.replicas ?? 0;
          await deployments.scale(
            functionId(spec),
            wantedReplicas(spec, current, status === 'firing'),
          );
        }
        sendText(response, 200);
      },
    },
  };
}

/** OpenFaaS's rule: a share of the maximum is added at a time, and all taken off at the end. */
function wantedReplicas({ labels }: FunctionSpec, current: number, firing: boolean): number {
  const setting = (name: string, fallback: number): number => {
    const value = Number(labels[`com.openfaas.scale.${name}`]);
    return Number.isInteger(value) && value > 0 ? value : fallback;
  };
  const max = setting('max', 5);
  if (!firing) return setting('min', 1);
  return Math.min(max, current + Math.ceil((max / 100) * setting('factor', 10)));
}
