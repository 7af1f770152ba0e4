import type { Me } from '../../api/schemas.ts';
import { ApiError } from '../api.ts';
import { CopyText } from '../copy-text.tsx';
import { Answered } from '../feedback.tsx';
import { texts } from '../texts.ts';
import { useAnswer } from '../use-answer.ts';

/** The key with which an owner seals secrets, and how. */
export function SecretsPanel({ owner, me }: { owner: string; me: Me }) {
  const path = `/publickey?owner=${encodeURIComponent(owner)}`;
  const loaded = useAnswer(`key ${owner}`, (signal) => readKey(path, signal), 600_000);
  const seal = `curl -s "${me.site.systemOrigin}${path}" -o key.pub && faas-cli secret seal key.pub --from-literal name=value`;
  return (
    <section class="card">
      <h2>{texts.sealSecrets}</h2>
      <p>{texts.sealHint}</p>
      <CopyText text={seal} />
      <Answered loaded={loaded}>
        {(key) => (
          <p>
            {texts.publicKey}: <code>{key}</code>
          </p>
        )}
      </Answered>
    </section>
  );
}

async function readKey(path: string, signal: AbortSignal): Promise<string> {
  const answer = await fetch(path, { signal, redirect: 'error' });
  if (!answer.ok) throw new ApiError(answer.status, answer.statusText);
  return (await answer.text()).trim();
}
