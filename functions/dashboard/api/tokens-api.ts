import * as v from 'valibot';
import { maxTokenDays } from '#shared/auth/api-tokens.ts';
import { CloudError } from '#shared/errors.ts';
import type { Identity } from '#shared/messages/identity.ts';
import { newTokenSchema, tokenListSchema } from './account-schemas.ts';
import { type ApiRoute, acting, reading } from './route.ts';
import { doneSchema } from './schemas.ts';

const newTokenBody = v.object({
  name: v.string(),
  scope: v.picklist(['read', 'act']),
  days: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(maxTokenDays)),
});

/** A person's API tokens. A token makes no others, and shows none. */
export const tokenRoutes: readonly ApiRoute[] = [
  reading({
    name: 'tokens',
    summary: 'Your API tokens, newest first; never the tokens themselves. Not for tokens.',
    answer: tokenListSchema,
    async act({ tokens }, { visitor }) {
      return { tokens: await tokens.list(ofPerson(visitor)) };
    },
  }),
  acting({
    name: 'make-token',
    summary: 'Makes an API token and shows it, once. Not for tokens.',
    body: newTokenBody,
    answer: newTokenSchema,
    async act({ tokens, acting: { messages } }, { body, visitor }) {
      const subject = ofPerson(visitor);
      const { name, scope, days } = body;
      const made = await tokens.create(subject, { name, scope, lifetimeDays: days });
      const message = `${visitor.login} made an API token (${scope}, ${days} ${days === 1 ? 'day' : 'days'})`;
      const owner = visitor.login.toLowerCase();
      await messages.audit({ source: 'dashboard', message, owner, actor: subject });
      return made;
    },
  }),
  acting({
    name: 'revoke-token',
    summary: 'Ends an API token within seconds. Not for tokens.',
    body: v.object({ id: v.string() }),
    answer: doneSchema,
    async act({ tokens, acting: { messages } }, { body, visitor }) {
      const subject = ofPerson(visitor);
      if (!(await tokens.revoke(subject, body.id))) {
        throw new CloudError('OFC_NOT_FOUND', 'You have no such API token.');
      }
      const owner = visitor.login.toLowerCase();
      const message = `${visitor.login} revoked an API token`;
      await messages.audit({ source: 'dashboard', message, owner, actor: subject });
      return { accepted: true };
    },
  }),
];

function ofPerson({ subject, byToken }: Identity): string {
  if (!byToken) return subject;
  throw new CloudError('OFC_FORBIDDEN', 'API tokens are managed by people only.', {
    hint: 'Sign in and open the settings page.',
  });
}
