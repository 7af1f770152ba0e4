import type { Deployment } from '../../pipeline/deployment.ts';

/** Owner and repo as GitHub spells them. */
export function repoPath({ fullName }: Pick<Deployment, 'fullName'>): {
  owner: string;
  repo: string;
} {
  const [owner = '', repo = ''] = fullName.split('/');
  return { owner, repo };
}
