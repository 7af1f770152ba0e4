import { useState } from 'preact/hooks';
import type { NotificationsAnswer } from '../../api/notifications-api.ts';
import { ActionButton, Problem, useAction } from '../action-button.tsx';
import { actApi, askApi } from '../api.ts';
import { Answered } from '../feedback.tsx';
import { texts } from '../texts.ts';
import { Ago } from '../time.tsx';
import { useAnswer } from '../use-answer.ts';
import { ShownOnce } from './shown-once.tsx';

type Destination = NotificationsAnswer['destinations'][number];
type Notice = NotificationsAnswer['notices'][number];

/** Where results of deployments are sent, and how that went. */
export function NotificationsPanel({ owner }: { owner: string }) {
  const [round, setRound] = useState(0);
  const loaded = useAnswer(
    `notifications ${owner} ${round}`,
    (signal) => askApi('notifications', { owner }, signal),
    ({ notices }) =>
      notices.some(({ state, tries }) => state === 'waiting' && tries === 0) ? 1000 : 15_000,
  );
  const again = () => setRound(round + 1);
  return (
    <section class="card">
      <h2>{texts.notifications}</h2>
      <p>{texts.notificationsHint}</p>
      <NewDestination owner={owner} onAdded={again} />
      <Answered loaded={loaded}>
        {({ destinations, notices }) => (
          <>
            <DestinationTable owner={owner} destinations={destinations} onChange={again} />
            <NoticeTable owner={owner} {...{ destinations, notices }} onChange={again} />
          </>
        )}
      </Answered>
    </section>
  );
}

function NewDestination({ owner, onAdded }: { owner: string; onAdded: () => void }) {
  const [kind, setKind] = useState<Destination['kind']>('slack');
  const [events, setEvents] = useState<Destination['events']>('all');
  const [url, setUrl] = useState('');
  const [secret, setSecret] = useState<string | null>(null);
  const { busy, problem, run } = useAction(async () => {
    const added = await actApi('add-destination', { owner, kind, events, url });
    setSecret(added.secret);
    setUrl('');
    onAdded();
  });
  const submit = (event: Event) => {
    event.preventDefault();
    void run();
  };
  return (
    <>
      <form class="bar" onSubmit={submit}>
        <label class="field">
          {texts.destinationKind}
          <select
            value={kind}
            onChange={({ currentTarget }) =>
              setKind(currentTarget.value === 'webhook' ? 'webhook' : 'slack')
            }
          >
            <option value="slack">{texts.destinationKinds.slack}</option>
            <option value="webhook">{texts.destinationKinds.webhook}</option>
          </select>
        </label>
        <label class="field">
          {texts.destinationUrl}
          <input
            type="url"
            required
            maxLength={2048}
            autocomplete="off"
            value={url}
            onInput={({ currentTarget }) => setUrl(currentTarget.value)}
          />
        </label>
        <label class="field">
          {texts.destinationEvents}
          <select
            value={events}
            onChange={({ currentTarget }) =>
              setEvents(currentTarget.value === 'failed' ? 'failed' : 'all')
            }
          >
            <option value="all">{texts.destinationEvent.all}</option>
            <option value="failed">{texts.destinationEvent.failed}</option>
          </select>
        </label>
        <button type="submit" class="main" disabled={busy}>
          {texts.addDestination}
        </button>
      </form>
      <Problem problem={problem} />
      <ShownOnce hint={texts.destinationSecretOnce} secret={secret} />
    </>
  );
}

function DestinationTable({
  owner,
  destinations,
  onChange,
}: {
  owner: string;
  destinations: readonly Destination[];
  onChange: () => void;
}) {
  if (destinations.length === 0) return <p class="muted">{texts.noDestinations}</p>;
  return (
    <table class="rows">
      <thead>
        <tr>
          <th scope="col">{texts.destinationUrl}</th>
          <th scope="col">{texts.destinationKind}</th>
          <th scope="col">{texts.destinationEvents}</th>
          <th scope="col">{texts.made}</th>
          <th scope="col">
            <span class="hidden">{texts.removeDestination}</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {destinations.map(({ id, kind, host, events, createdAt, createdBy }) => (
          <tr key={id}>
            <th scope="row" data-label={texts.destinationUrl}>
              {host}
            </th>
            <td data-label={texts.destinationKind}>{texts.destinationKinds[kind]}</td>
            <td data-label={texts.destinationEvents}>{texts.destinationEvent[events]}</td>
            <td data-label={texts.made}>
              <Ago at={createdAt} /> {texts.by} {createdBy}
            </td>
            <td>
              <PlainButton
                label={texts.sendTest}
                act={() => actApi('test-destination', { owner, id }).then(onChange)}
              />
              <ActionButton
                label={texts.removeDestination}
                destroys
                confirmation={{
                  title: texts.removeDestinationTitle(host),
                  text: texts.removeDestinationText,
                }}
                act={() => actApi('remove-destination', { owner, id }).then(onChange)}
              />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function NoticeTable({
  owner,
  destinations,
  notices,
  onChange,
}: {
  owner: string;
  destinations: readonly Destination[];
  notices: readonly Notice[];
  onChange: () => void;
}) {
  if (notices.length === 0) return null;
  const hosts = new Map(destinations.map(({ id, host }) => [id, host]));
  return (
    <>
      <h3>{texts.deliveries}</h3>
      <table class="rows">
        <thead>
          <tr>
            <th scope="col">{texts.notice}</th>
            <th scope="col">{texts.destinationUrl}</th>
            <th scope="col">{texts.state}</th>
            <th scope="col">{texts.made}</th>
            <th scope="col">
              <span class="hidden">{texts.redeliver}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {notices.map(({ id, destination, title, state, tries, lastAnswer, createdAt }) => (
            <tr key={id}>
              <th scope="row" data-label={texts.notice}>
                {title}
              </th>
              <td data-label={texts.destinationUrl}>
                {hosts.get(destination) ?? texts.removedDestination}
              </td>
              <td data-label={texts.state}>
                {texts.noticeStates[state]}
                {lastAnswer === null ? '' : ` (${texts.tries(tries)}: ${lastAnswer})`}
              </td>
              <td data-label={texts.made}>
                <Ago at={createdAt} />
              </td>
              <td>
                {hosts.has(destination) ? (
                  <PlainButton
                    label={texts.redeliver}
                    act={() => actApi('redeliver', { owner, id }).then(onChange)}
                  />
                ) : null}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

/** Does what can do no harm, without a question before. */
function PlainButton({ label, act }: { label: string; act: () => Promise<void> }) {
  const { busy, problem, run } = useAction(act);
  return (
    <>
      <button type="button" disabled={busy} onClick={() => void run()}>
        {label}
      </button>
      <Problem problem={problem} />
    </>
  );
}
