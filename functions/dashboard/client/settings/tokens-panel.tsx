import { useState } from 'preact/hooks';
import type { TokenInfo } from '../../api/account-schemas.ts';
import { ActionButton, Problem, useAction } from '../action-button.tsx';
import { actApi, askApi } from '../api.ts';
import { Answered } from '../feedback.tsx';
import { texts } from '../texts.ts';
import { Ago } from '../time.tsx';
import { useAnswer } from '../use-answer.ts';
import { ShownOnce } from './shown-once.tsx';

/** Tokens for programs: made, shown once, listed, revoked. */
export function TokensPanel() {
  const [round, setRound] = useState(0);
  const loaded = useAnswer(`tokens ${round}`, (signal) => askApi('tokens', {}, signal), 60_000);
  const again = () => setRound(round + 1);
  return (
    <section class="card">
      <h2>{texts.tokens}</h2>
      <p>
        {texts.tokensHint} <a href="/dashboard/api/openapi.json">{texts.apiDescription}</a>
      </p>
      <NewToken onMade={again} />
      <Answered loaded={loaded}>
        {({ tokens }) => <TokenTable tokens={tokens} onRevoked={again} />}
      </Answered>
    </section>
  );
}

function NewToken({ onMade }: { onMade: () => void }) {
  const [name, setName] = useState('');
  const [scope, setScope] = useState<TokenInfo['scope']>('read');
  const [days, setDays] = useState(90);
  const [token, setToken] = useState<string | null>(null);
  const { busy, problem, run } = useAction(async () => {
    const made = await actApi('make-token', { name, scope, days });
    setToken(made.token);
    setName('');
    onMade();
  });
  const submit = (event: Event) => {
    event.preventDefault();
    void run();
  };
  return (
    <>
      <form class="bar" onSubmit={submit}>
        <label class="field">
          {texts.tokenName}
          <input
            type="text"
            required
            maxLength={100}
            value={name}
            onInput={({ currentTarget }) => setName(currentTarget.value)}
          />
        </label>
        <label class="field">
          {texts.tokenScope}
          <select
            value={scope}
            onChange={({ currentTarget }) =>
              setScope(currentTarget.value === 'act' ? 'act' : 'read')
            }
          >
            <option value="read">{texts.scopes.read}</option>
            <option value="act">{texts.scopes.act}</option>
          </select>
        </label>
        <label class="field">
          {texts.tokenDays}
          <input
            type="number"
            required
            min={1}
            max={366}
            value={days}
            onInput={({ currentTarget }) => setDays(Number(currentTarget.value))}
          />
        </label>
        <button type="submit" class="main" disabled={busy}>
          {texts.makeToken}
        </button>
      </form>
      <Problem problem={problem} />
      <ShownOnce hint={texts.tokenOnce} secret={token} />
    </>
  );
}

function TokenTable({
  tokens,
  onRevoked,
}: {
  tokens: readonly TokenInfo[];
  onRevoked: () => void;
}) {
  if (tokens.length === 0) return <p class="muted">{texts.noTokens}</p>;
  return (
    <table class="rows">
      <thead>
        <tr>
          <th scope="col">{texts.tokenName}</th>
          <th scope="col">{texts.tokenScope}</th>
          <th scope="col">{texts.made}</th>
          <th scope="col">{texts.expires}</th>
          <th scope="col">
            <span class="hidden">{texts.revoke}</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {tokens.map(({ id, name, scope, createdAt, expiresAt }) => (
          <tr key={id}>
            <th scope="row" data-label={texts.tokenName}>
              {name}
            </th>
            <td data-label={texts.tokenScope}>{texts.scopes[scope]}</td>
            <td data-label={texts.made}>
              <Ago at={createdAt * 1000} />
            </td>
            <td data-label={texts.expires}>
              <Ago at={expiresAt * 1000} />
            </td>
            <td>
              <ActionButton
                label={texts.revoke}
                destroys
                confirmation={{ title: texts.revokeTitle(name), text: texts.revokeText }}
                act={async () => {
                  await actApi('revoke-token', { id });
                  onRevoked();
                }}
              />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
