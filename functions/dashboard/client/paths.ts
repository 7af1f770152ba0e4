/**
 * Addresses of the page. An owner can hold slashes, which would end a part of a path: they are
 * written as `~`, which no owner holds.
 */
export const paths = {
  functions: (owner: string) => `/dashboard/${part(owner)}`,
  function: (owner: string, name: string) => `/dashboard/${part(owner)}/functions/${name}`,
  deployments: (owner: string, repo?: string) =>
    `/dashboard/${part(owner)}/deployments${repo === undefined ? '' : `?repo=${encodeURIComponent(repo)}`}`,
  deployment: (owner: string, repo: string, id: string) =>
    `/dashboard/${part(owner)}/deployments/${encodeURIComponent(repo)}/${id}`,
  audit: (owner: string) => `/dashboard/${part(owner)}/audit`,
  platform: (owner: string) => `/dashboard/${part(owner)}/platform`,
  settings: (owner: string) => `/dashboard/${part(owner)}/settings`,
} as const;

/** The owner that a part of a path stands for. */
export function ownerOfPart(text: string): string {
  return text.replaceAll('~', '/');
}

function part(owner: string): string {
  return owner.replaceAll('/', '~');
}
