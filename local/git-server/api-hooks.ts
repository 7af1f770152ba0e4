import type { ApiCall, Route } from './api-router.ts';
import type { Delivery } from './deliveries.ts';
import type { Json } from './github-shapes.ts';
import { notFound } from './http-error.ts';
import { paginate } from './paginate.ts';
import { deliveryGroup } from './pushes.ts';
import { requireRepo, type Services } from './services.ts';

/**
 * The webhooks of a repo: what was sent, and "send it again". Every repo has one hook, number 1.
 *
 * @see https://docs.github.com/en/rest/repos/webhooks#list-deliveries-for-a-repository-webhook
 */
export function hookRoutes(services: Services): Route[] {
  const { deliveries } = services;
  const listFor = (call: ApiCall): Promise<Delivery[]> =>
    deliveries.list(deliveryGroup(requireRepo(services, call).repo));
  const find = async (call: ApiCall): Promise<Delivery> => {
    const found = (await listFor(call)).find(({ id }) => String(id) === call.param('id'));
    if (found === undefined) throw notFound();
    return found;
  };

  return [
    [
      'GET',
      '/repos/:owner/:repo/hooks/1/deliveries',
      async (call) => {
        const { page, headers } = paginate(await listFor(call), call);
        return { status: 200, headers, body: page.map(deliveryJson) };
      },
    ],
    [
      'GET',
      '/repos/:owner/:repo/hooks/1/deliveries/:id',
      async (call) => {
        const delivery = await find(call);
        const answer = delivery.attempts.at(-1)?.text ?? null;
        return {
          status: 200,
          body: {
            ...deliveryJson(delivery),
            request: { payload: JSON.parse(delivery.body) },
            response: { payload: answer },
          },
        };
      },
    ],
    [
      'POST',
      '/repos/:owner/:repo/hooks/1/deliveries/:id/attempts',
      async (call) => {
        const { id } = await find(call);
        await deliveries.redeliver(deliveryGroup(requireRepo(services, call).repo), id);
        return { status: 202, body: {} };
      },
    ],
  ];
}

function deliveryJson({ id, guid, event, action, createdAt, state, attempts }: Delivery): Json {
  const last = attempts.at(-1);
  return {
    id,
    guid,
    delivered_at: last?.at ?? createdAt,
    redelivery: attempts.length > 1,
    duration: (last?.durationMs ?? 0) / 1000,
    status: state === 'delivered' ? 'OK' : state,
    status_code: last?.statusCode ?? 0,
    event,
    action,
  };
}
