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
              <Scm key={scm.scm} {...scm} />
            ))}
          </>
        )}
      </Answered>
    </section>
  );
}

function Scm({ scm, kind, url, webhookUrl, installUrl }: SettingsAnswer['scms'][number]) {
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
