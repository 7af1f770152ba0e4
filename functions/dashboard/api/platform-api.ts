import * as v from 'valibot';
import { platformStateSchema } from '#shared/doctor/platform-state.ts';
import { CloudError, errorMessage } from '#shared/errors.ts';
import type { Identity } from '#shared/messages/identity.ts';
import { claimName } from '#shared/pipeline/states.ts';
import { askAs, send } from '../ask.ts';
import { type ApiParts, type ApiRoute, acting, reading } from './route.ts';
import { doneSchema, findingsSchema, platformSchema } from './schemas.ts';

const letterBody = v.object({ id: v.pipe(v.string(), v.regex(/^\w{1,64}$/)) });

/** The whole platform, for its operators. What needs the gateway's password, the doctor does. */
export const platformRoutes: readonly ApiRoute[] = [
  reading({
    name: 'platform',
    summary: 'Queue, running builds and versions. For operators.',
    answer: platformSchema,
    async act(parts, { visitor }) {
      requireOperator(visitor);
      const [state, deployments] = await Promise.all([
        askAs(parts, 'doctor', '/?show=state', visitor, platformStateSchema).catch(
          (error: unknown) => errorMessage(error),
        ),
        openDeployments(parts),
      ]);
      return {
        state: typeof state === 'string' ? null : state,
        problem: typeof state === 'string' ? state : null,
        open: deployments,
      };
    },
  }),
  reading({
    name: 'findings',
    summary: 'What the doctor finds: what is missing or wrong, and how to mend it. For operators.',
    answer: findingsSchema,
    async act(parts, { visitor }) {
      requireOperator(visitor);
      return await askAs(parts, 'doctor', '/', visitor, findingsSchema);
    },
  }),
  acting({
    name: 'redrive',
    summary: 'Delivers a message again that the queue had given up. For operators.',
    body: letterBody,
    answer: doneSchema,
    act: (parts, { body, visitor }) => letter(parts, 'redrive', body.id, visitor),
  }),
  acting({
    name: 'discard',
    summary: 'Drops a message for good that the queue had given up. For operators.',
    body: letterBody,
    answer: doneSchema,
    act: (parts, { body, visitor }) => letter(parts, 'discard', body.id, visitor),
  }),
];

function requireOperator({ operator, login }: Identity): void {
  if (!operator) throw new CloudError('OFC_FORBIDDEN', `${login} is not an operator.`);
}

async function letter(
  parts: ApiParts,
  what: 'redrive' | 'discard',
  id: string,
  visitor: Identity,
): Promise<{ accepted: boolean }> {
  requireOperator(visitor);
  await send(parts, 'doctor', { [what]: id });
  const message = `${visitor.login} asked to ${what} the dead letter ${id}`;
  await parts.acting.messages.audit({ source: 'dashboard', message, actor: visitor.subject });
  return { accepted: true };
}

/** What goes on, oldest first, with the functions that are being built. */
async function openDeployments({ records }: ApiParts) {
  const loaded = await Promise.all((await records.open()).map((ref) => records.load(ref)));
  return loaded
    .filter((found) => found !== undefined && found.closed === undefined)
    .map((found) => {
      const { deployment, plan, builds, claimed } = found as NonNullable<typeof found>;
      const keys = plan?.outcome === 'planned' ? plan.functions.map(({ key }) => key) : [];
      const { owner, repo, id, sha, receivedAt } = deployment;
      const building = keys.filter(
        (key) => !builds.has(key) && claimed.has(claimName('build', key)),
      );
      return { owner, repo, id, sha, receivedAt, building: building.map(String) };
    });
}
