import * as v from 'valibot';
import { CloudError } from '#shared/errors.ts';
import type { Identity } from '#shared/messages/identity.ts';
import type { AllowedAddresses } from '#shared/notifications/allowed-addresses.ts';
import {
  type Destination,
  type Destinations,
  destinationSchema,
  newDestinationSchema,
  type OwnerAt,
} from '#shared/notifications/destinations.ts';
import {
  type NoticeHistory,
  type Notices,
  noticeId,
  noticeIdSchema,
  noticeState,
} from '#shared/notifications/notices.ts';
import { testNotice } from '#shared/notifications/result-notice.ts';
import { parseScmId } from '#shared/scm/scm-id.ts';
import { type ApiParts, type ApiRoute, acting, reading } from './route.ts';
import { doneSchema } from './schemas.ts';
import { ownerOf, ownerParameter } from './whose.ts';

/** What the routes of notifications work with. */
export interface NotificationParts {
  readonly destinations: Destinations;
  readonly notices: Notices;
  readonly allowed: AllowedAddresses;
}

const noticeViewSchema = v.object({
  id: v.string(),
  destination: v.string(),
  title: v.string(),
  state: v.picklist(['delivered', 'waiting', 'failed']),
  /** Milliseconds since 1970. */
  createdAt: v.number(),
  tries: v.number(),
  /** What the receiver answered to the last try, or why it did not. */
  lastAnswer: v.nullable(v.string()),
});

/** `GET /dashboard/api/notifications?owner=` */
export const notificationsSchema = v.object({
  destinations: v.array(destinationSchema),
  /** What was sent, newest first. */
  notices: v.array(noticeViewSchema),
});
/** See {@link notificationsSchema}. */
export type NotificationsAnswer = v.InferOutput<typeof notificationsSchema>;

/** `POST /dashboard/api/add-destination` */
export const newDestinationAnswerSchema = v.object({
  destination: destinationSchema,
  /** Shown once: what a receiver checks signatures with. `null` for Slack, which checks none. */
  secret: v.nullable(v.string()),
});
/** See {@link newDestinationAnswerSchema}. */
export type NewDestinationAnswer = v.InferOutput<typeof newDestinationAnswerSchema>;

const shown = 25;
const owner = v.string();
const ofDestination = v.object({ owner, id: v.string() });

/** Where an owner's notifications go, and what became of them. */
export const notificationRoutes: readonly ApiRoute[] = [
  reading({
    name: 'notifications',
    summary: 'Where results of deployments are sent, and the last deliveries.',
    query: [ownerParameter],
    answer: notificationsSchema,
    async act({ notifications: { destinations, notices } }, { query, visitor }) {
      const at = ownerAt(query.get('owner'), visitor);
      const [found, newest] = await Promise.all([destinations.list(at), notices.newest(at, shown)]);
      return { destinations: found, notices: newest.map(viewOf) };
    },
  }),
  acting({
    name: 'add-destination',
    summary: 'Has results of deployments sent to Slack or to a webhook (Standard Webhooks).',
    body: v.object({ owner, ...newDestinationSchema.entries }),
    answer: newDestinationAnswerSchema,
    async act(parts, { body, visitor }) {
      const { destinations, allowed } = parts.notifications;
      const at = ownerAt(body.owner, visitor);
      const url = allowed.parseUrl(body.url);
      const { destination, secret } = await destinations.add(at, body, url, visitor.login);
      await audit(parts, at, visitor, `added the ${destination.kind} at ${destination.host}`);
      return { destination, secret: destination.kind === 'slack' ? null : secret };
    },
  }),
  acting({
    name: 'remove-destination',
    summary: 'Has nothing more sent there.',
    body: ofDestination,
    answer: doneSchema,
    async act(parts, { body, visitor }) {
      const at = ownerAt(body.owner, visitor);
      const { kind, host } = await find(parts, at, body.id);
      await parts.notifications.destinations.remove(at, body.id);
      await audit(parts, at, visitor, `removed the ${kind} at ${host}`);
      return { accepted: true };
    },
  }),
  acting({
    name: 'test-destination',
    summary: 'Sends a test; how it went is among the last deliveries.',
    body: ofDestination,
    answer: doneSchema,
    async act(parts, { body, visitor }) {
      const at = ownerAt(body.owner, visitor);
      const destination = await find(parts, at, body.id);
      await parts.notifications.notices.add(testNotice(at, destination, Date.now()));
      await parts.acting.messages.deliverNotices();
      return { accepted: true };
    },
  }),
  acting({
    name: 'redeliver',
    summary: 'Sends a notification again, under the same message id.',
    body: v.object({ owner, id: noticeIdSchema }),
    answer: doneSchema,
    async act(parts, { body, visitor }) {
      const { notices } = parts.notifications;
      const at = ownerAt(body.owner, visitor);
      const found = await notices.load({ ...at, id: body.id });
      if (found === undefined) {
        throw new CloudError('OFC_NOT_FOUND', 'There is no such delivery.');
      }
      await find(parts, at, found.notice.destination);
      const now = Date.now();
      await notices.add({ ...found.notice, id: noticeId(now), createdAt: now });
      await parts.acting.messages.deliverNotices();
      return { accepted: true };
    },
  }),
];

/** The owner at the SCM where the visitor signed in: others may share the name. */
function ownerAt(name: unknown, visitor: Identity) {
  return { owner: ownerOf(name, visitor), scm: parseScmId(visitor.provider) };
}

async function find(parts: ApiParts, at: OwnerAt, id: string): Promise<Destination> {
  const all = await parts.notifications.destinations.list(at);
  const found = all.find((destination) => destination.id === id);
  if (found !== undefined) return found;
  throw new CloudError('OFC_NOT_FOUND', 'There is no such destination, or not any more.');
}

function audit(parts: ApiParts, at: OwnerAt, visitor: Identity, what: string): Promise<void> {
  const message = `${visitor.login} ${what}`;
  const { subject: actor } = visitor;
  return parts.acting.messages.audit({ source: 'dashboard', message, owner: at.owner, actor });
}

function viewOf(history: NoticeHistory): NotificationsAnswer['notices'][number] {
  const { id, destination, title, createdAt } = history.notice;
  const last = history.attempts.at(-1);
  const answered = last?.status === undefined ? undefined : String(last.status);
  return {
    id,
    destination,
    title,
    state: noticeState(history),
    createdAt,
    tries: history.attempts.length,
    lastAnswer: answered ?? last?.problem ?? null,
  };
}
