import type { SettingsAnswer } from '../../api/schemas.ts';
import { askApi } from '../api.ts';
import { CopyText } from '../copy-text.tsx';
import { Answered } from '../feedback.tsx';
import { texts } from '../texts.ts';
import { useAnswer } from '../use-answer.ts';

/** How pushes of an owner's repos come here. */
export function ConnectPanel({ owner }: { owner: string }) {
  const loaded = useAnswer(
    `settings ${owner}`,
    (signal) => askApi('settings', {}, signal),
    600_000,
  );
  return (
    <section class="card">
      <h2>{texts.connect}</h2>
      <Answered loaded={loaded}>
        {({ scms }) => (
          <>
            {scms.map((scm) => (
              <Scm key={scm.scm} owner={owner} {...scm} />
            ))}
          </>
        )}
      </Answered>
    </section>
  );
}

function Scm({
  owner,
  scm,
  kind,
  url,
  isOwn,
  webhookUrl,
  installUrl,
}: SettingsAnswer['scms'][number] & { owner: string }) {
  if (isOwn) {
    return (
      <>
        <p>{texts.pushHere}</p>
        <CopyText text={`git push ${url}/${owner}/<repo>.git main`} />
      </>
    );
  }
  return (
    <section>
      <h3>
        <a href={url}>{scm}</a>
      </h3>
      {kind !== 'github' ? (
        <>
          <p>{texts.addHook}</p>
          <CopyText text={webhookUrl} />
        </>
      ) : installUrl === null ? (
        <p>{texts.askForApp}</p>
      ) : (
        <p>
          <a class="button" href={installUrl}>
            {texts.installApp}
          </a>
        </p>
      )}
    </section>
  );
}
