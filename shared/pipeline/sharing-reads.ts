import { coalesce } from '../coalesce.ts';
import type { Branch, Owner, RepoName } from '../names.ts';
import { type DeploymentRef, refOf } from './deployment.ts';
import type { Records } from './records.ts';

/**
 * Records whose reads of one deployment, and of one branch's heads, are shared by all who ask at the
 * same time: a push of ten functions has ten callbacks look at the same records. Each read begins
 * after it was asked for, so it sees whatever the caller has been told of.
 */
export function sharingReads(records: Records): Records {
  const load = coalesce<Awaited<ReturnType<Records['load']>>>(
    (key) => records.load(JSON.parse(key) as DeploymentRef),
    0,
  );
  const newestHead = coalesce<Awaited<ReturnType<Records['newestHead']>>>((key) => {
    const [owner, repo, branch] = JSON.parse(key) as [Owner, RepoName, Branch];
    return records.newestHead(owner, repo, branch);
  }, 0);
  return {
    ...records,
    load: (ref) => load(JSON.stringify(refOf(ref))),
    newestHead: (owner, repo, branch) => newestHead(JSON.stringify([owner, repo, branch])),
  };
}
