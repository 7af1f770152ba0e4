import { readAudit } from '#shared/audit-trail.ts';
import { CloudError } from '#shared/errors.ts';
import { createOwnerClaims } from '#shared/scm/owner-claims.ts';
import { type ApiRoute, reading } from './route.ts';
import { auditPageSchema } from './schemas.ts';
import { ownerOf } from './whose.ts';

const pageSize = 50;
/** A name below a day, or a day. */
const cursor = /^\d{4}-\d\d-\d\d(?:\/[\w.~-]{1,300})?$/;

/** Who did what. */
export const auditRoutes: readonly ApiRoute[] = [
  reading({
    name: 'audit',
    summary: `The audit trail, newest first, ${pageSize} at a time.`,
    query: [
      { name: 'owner', meaning: 'Whose; without it all of the platform, for its operators.' },
      { name: 'before', meaning: 'The `next` of the page before.' },
    ],
    answer: auditPageSchema,
    async act({ store }, { query, visitor }) {
      const before = query.get('before');
      if (before !== null && !cursor.test(before)) {
        throw new CloudError(
          'OFC_BAD_REQUEST',
          'before must be what the last answer gave as next.',
        );
      }
      const from = before === null ? {} : { before };
      const name = query.get('owner');
      if (name === null) {
        if (!visitor.operator) {
          throw new CloudError('OFC_FORBIDDEN', 'The whole trail is for operators: name an owner.');
        }
        const { entries, next } = await readAudit(store, { ...from, limit: pageSize });
        return { entries: [...entries], next: next ?? null };
      }
      const owner = ownerOf(name, visitor);
      const claim = await createOwnerClaims(store).of(owner);
      // Somebody of that name at another SCM is somebody else.
      if (claim !== undefined && claim.scm !== visitor.provider) return { entries: [], next: null };
      const { entries, next } = await readAudit(store, { owner, ...from, limit: pageSize });
      return { entries: [...entries], next: next ?? null };
    },
  }),
];
