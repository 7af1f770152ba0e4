import { useState } from 'preact/hooks';
import type { SessionList } from '../../api/account-schemas.ts';
import { ActionButton } from '../action-button.tsx';
import { actApi, askApi } from '../api.ts';
import { deviceOf } from '../device.ts';
import { Answered } from '../feedback.tsx';
import { texts } from '../texts.ts';
import { Ago } from '../time.tsx';
import { useAnswer } from '../use-answer.ts';

/** Where a person is signed in, and how to end that. */
export function SessionsPanel() {
  const [round, setRound] = useState(0);
  const loaded = useAnswer(`sessions ${round}`, (signal) => askApi('sessions', {}, signal), 60_000);
  const again = () => setRound(round + 1);
  return (
    <section class="card">
      <h2>{texts.sessions}</h2>
      <p>{texts.sessionsHint}</p>
      <Answered loaded={loaded}>
        {({ sessions }) => <SessionTable sessions={sessions} onEnded={again} />}
      </Answered>
    </section>
  );
}

function SessionTable({ sessions, onEnded }: SessionList & { onEnded: () => void }) {
  return (
    <>
      <table class="rows">
        <thead>
          <tr>
            <th scope="col">{texts.device}</th>
            <th scope="col">{texts.signedInAt}</th>
            <th scope="col">{texts.lastSeen}</th>
            <th scope="col">
              <span class="hidden">{texts.signOut}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {sessions.map((session) => (
            <SessionRow key={session.id} session={session} onEnded={onEnded} />
          ))}
        </tbody>
      </table>
      {sessions.some(({ current }) => !current) ? (
        <p class="choices">
          <ActionButton
            label={texts.signOutOthers}
            destroys
            confirmation={{ title: texts.signOutOthersTitle, text: texts.signOutText }}
            act={() => actApi('end-other-sessions', {}).then(onEnded)}
          />
        </p>
      ) : null}
    </>
  );
}

function SessionRow({
  session: { id, userAgent, startedAt, seenAt, current },
  onEnded,
}: {
  session: SessionList['sessions'][number];
  onEnded: () => void;
}) {
  const device = deviceOf(userAgent) ?? texts.unknownDevice;
  return (
    <tr>
      <th scope="row" data-label={texts.device} title={userAgent}>
        {device} {current ? <span class="badge live">{texts.thisSession}</span> : null}
      </th>
      <td data-label={texts.signedInAt}>
        <Ago at={startedAt * 1000} />
      </td>
      <td data-label={texts.lastSeen}>{current ? texts.now : <Ago at={seenAt * 1000} />}</td>
      <td>
        {current ? null : (
          <ActionButton
            label={texts.signOut}
            destroys
            confirmation={{ title: texts.signOutTitle(device), text: texts.signOutText }}
            act={() => actApi('end-session', { id }).then(onEnded)}
          />
        )}
      </td>
    </tr>
  );
}
