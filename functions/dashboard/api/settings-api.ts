import { type ApiRoute, reading } from './route.ts';
import { meSchema, settingsSchema } from './schemas.ts';

/** Who is signed in, and what they can set up. */
export const settingsRoutes: readonly ApiRoute[] = [
  reading({
    name: 'me',
    summary: 'Who asks, and whose things they may see.',
    answer: meSchema,
    async act({ site: { systemOrigin } }, { visitor }) {
      const { login, provider, owners, operator } = visitor;
      const all = [...new Set([login.toLowerCase(), ...owners])];
      return { login, provider, owners: all, operator, site: { systemOrigin } };
    },
  }),
  reading({
    name: 'settings',
    summary: 'How repos are connected.',
    answer: settingsSchema,
    async act({ scms, site }) {
      const webhookUrl = (kind: string) => `${site.systemOrigin}/${kind}-event`;
      return { scms: scms.map((scm) => ({ ...scm, webhookUrl: webhookUrl(scm.kind) })) };
    },
  }),
];
