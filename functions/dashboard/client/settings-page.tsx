import type { Me } from '../api/schemas.ts';
import { AccountPanel } from './settings/account-panel.tsx';
import { ConnectPanel } from './settings/connect-panel.tsx';
import { NotificationsPanel } from './settings/notifications-panel.tsx';
import { SecretsPanel } from './settings/secrets-panel.tsx';
import { SessionsPanel } from './settings/sessions-panel.tsx';
import { TokensPanel } from './settings/tokens-panel.tsx';
import { texts } from './texts.ts';

/** What a person sets up: one panel each, for themselves or for an owner they belong to. */
export function SettingsPage({ owner, me }: { owner: string; me: Me }) {
  return (
    <>
      <div class="title">
        <h1>{texts.settings}</h1>
      </div>
      <ConnectPanel owner={owner} />
      <SecretsPanel owner={owner} me={me} />
      <NotificationsPanel owner={owner} />
      <TokensPanel />
      <SessionsPanel />
      <AccountPanel me={me} />
    </>
  );
}
