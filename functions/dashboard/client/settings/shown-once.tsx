import { CopyText } from '../copy-text.tsx';

/** A secret that was just made and is not kept: the only chance to copy it. */
export function ShownOnce({ hint, secret }: { hint: string; secret: string | null }) {
  if (secret === null) return null;
  return (
    <div role="status">
      <p>{hint}</p>
      <CopyText text={secret} />
    </div>
  );
}
