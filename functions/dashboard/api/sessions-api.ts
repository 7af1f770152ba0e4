import * as v from 'valibot';
import { CloudError } from '#shared/errors.ts';
import type { Identity } from '#shared/messages/identity.ts';
import { askAs } from '../ask.ts';
import { ownSessionsSchema, sessionListSchema } from './account-schemas.ts';
import { type ApiParts, type ApiRoute, acting, reading } from './route.ts';
import { doneSchema } from './schemas.ts';

/** Where a person is signed in. of-auth has the sessions, and knows whose is which. */
export const sessionRoutes: readonly ApiRoute[] = [
  reading({
    name: 'sessions',
    summary: 'Where you are signed in, newest first. Not for tokens.',
    answer: sessionListSchema,
    async act(parts, { visitor }) {
      requirePerson(visitor);
      const found = await askAs(parts, 'of-auth', '/q/sessions', visitor, ownSessionsSchema);
      const sessions = found.sessions.map((each) => ({
        ...each,
        current: each.id === visitor.session,
      }));
      return { sessions };
    },
  }),
  acting({
    name: 'end-session',
    summary: 'Signs you out in one place, within seconds. Not for tokens.',
    body: v.object({ id: v.pipe(v.string(), v.regex(/^[\w-]{1,64}$/)) }),
    answer: doneSchema,
    act: (parts, { body, visitor }) =>
      end(parts, visitor, `end?id=${body.id}`, 'signed out in one place'),
  }),
  acting({
    name: 'end-other-sessions',
    summary: 'Signs you out everywhere but here, within seconds. Not for tokens.',
    body: v.object({}),
    answer: doneSchema,
    act: (parts, { visitor }) => end(parts, visitor, 'end-others', 'signed out everywhere else'),
  }),
];

async function end(parts: ApiParts, visitor: Identity, path: string, what: string) {
  requirePerson(visitor);
  await askAs(parts, 'of-auth', `/q/sessions/${path}`, visitor, v.unknown(), 'POST');
  const { login, subject } = visitor;
  await parts.acting.messages.audit({
    source: 'dashboard',
    message: `${login} ${what}`,
    owner: login.toLowerCase(),
    actor: subject,
  });
  return { accepted: true };
}

function requirePerson({ byToken }: Identity): void {
  if (!byToken) return;
  throw new CloudError('OFC_FORBIDDEN', 'Sessions are managed by people only.', {
    hint: 'Sign in and open the settings page.',
  });
}
