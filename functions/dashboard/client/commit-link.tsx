/** A commit's first digits, linked to where it can be read, if that is known. */
export function CommitLink({ repoUrl, sha }: { repoUrl: string | null; sha: string }) {
  const short = <code>{sha.slice(0, 7)}</code>;
  if (repoUrl === null || sha === '') return short;
  return <a href={`${repoUrl.replace(/\/$/, '')}/commit/${sha}`}>{short}</a>;
}
