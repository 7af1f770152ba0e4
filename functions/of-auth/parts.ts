import type { IncomingMessage } from 'node:http';
import { type ApiTokens, createApiTokens } from '#shared/auth/api-tokens.ts';
import { cookieNames } from '#shared/auth/cookies.ts';
import { createFleetingRecords } from '#shared/auth/fleeting.ts';
import { createHandOver, type HandOver } from '#shared/auth/hand-over.ts';
import { createLoginAttempts, type LoginAttempts } from '#shared/auth/login-attempt.ts';
import { createPeople } from '#shared/auth/people.ts';
import type { Person } from '#shared/auth/person.ts';
import { createRevocations } from '#shared/auth/revocations.ts';
import { createSessions, type Sessions } from '#shared/auth/session.ts';
import { createSessionRecords } from '#shared/auth/session-records.ts';
import { createTokenKeys, type TokenKeys } from '#shared/auth/token.ts';
import type { Customers } from '#shared/customers.ts';
import type { CloudError } from '#shared/errors.ts';
import type { Visitor } from '#shared/messages/visitor.ts';
import type { ObjectStore } from '#shared/object-store/object-store.ts';
import { createPersonList } from '#shared/person-list.ts';
import type { AuthConfig } from './config.ts';

/** Who may use the platform; `undefined`: everyone who signs in. */
export type CustomerCheck = Pick<Customers, 'admits' | 'check'> | undefined;

/** What the routes of of-auth work with. */
export interface AuthParts {
  readonly config: AuthConfig;
  readonly cookies: ReturnType<typeof cookieNames>;
  readonly keys: TokenKeys;
  readonly attempts: LoginAttempts;
  readonly handOver: HandOver;
  readonly sessions: Sessions;
  readonly tokens: ApiTokens;
  readonly customers: CustomerCheck;
  /** Whether the object store answers; asked every few seconds at most. */
  storeAnswers(): Promise<boolean>;
  isOperator(person: Person): boolean;
  /** Whether somebody may use the platform: customers, and who runs it. */
  isCustomer(person: Person): Promise<boolean>;
}

/** One request to a route. */
export interface Call {
  readonly request: IncomingMessage;
  readonly query: URLSearchParams;
  /** What of-router vouches for; `undefined` if the request came past it. */
  readonly visitor: Visitor | undefined;
  /** Is told about everything that is not the visitor's own doing. */
  onFailure(error: CloudError): void;
  /** Takes down who signed in or out. */
  note(what: string, person: Person): void;
}

/**
 * Puts of-auth's parts together.
 *
 * @param now Milliseconds, for tests.
 * @throws CloudError `OFC_CONFIG` if a key cannot be used.
 */
export function createParts(
  config: AuthConfig,
  store: ObjectStore,
  customers: CustomerCheck,
  now: () => number = Date.now,
): AuthParts {
  const { site, idleSeconds, lifetimeSeconds } = config;
  const { systemHost } = site;
  const keys = createTokenKeys(config.keys, now);
  const people = createPeople(store, now);
  const records = createFleetingRecords(store, now);
  const revocations = createRevocations(store, { lifetimeSeconds, now });
  const operators = createPersonList(config.operators);
  const isOperator = (person: Person) => operators.admits(person);
  return {
    config,
    cookies: cookieNames(site),
    keys,
    attempts: createLoginAttempts(keys, systemHost, records),
    handOver: createHandOver(keys, systemHost, records, now),
    sessions: createSessions({
      keys,
      systemHost,
      people,
      revocations,
      records: createSessionRecords(store, { idleSeconds, lifetimeSeconds, now }),
      idleSeconds,
      lifetimeSeconds,
      now,
    }),
    tokens: createApiTokens(store, people, { now }),
    customers,
    storeAnswers: createStoreCheck(store, now),
    isOperator,
    isCustomer: async (person) =>
      customers === undefined || isOperator(person) || (await customers.admits(person)),
  };
}

const storeCheckMs = 5000;

function createStoreCheck(store: ObjectStore, now: () => number): () => Promise<boolean> {
  let until = Number.NEGATIVE_INFINITY;
  let answers = Promise.resolve(true);
  return () => {
    if (now() >= until) {
      until = now() + storeCheckMs;
      answers = store.exists('auth/customers.txt').then(
        () => true,
        () => false,
      );
    }
    return answers;
  };
}
