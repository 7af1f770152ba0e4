import type { Session } from '#shared/auth/session.ts';
import type { Site } from '#shared/router/site.ts';
import { type Html, html } from '#shared/web/html.ts';
import { type Answer, page } from './answer.ts';

/** The start page: who is signed in, where to go, and what the operator says about the platform. */
export function homePage(
  site: Site,
  session: Session | undefined,
  notes: readonly string[],
): Answer {
  const pattern = `${site.scheme}://<owner>.${site.domain}${site.port}/<function>`;
  return page(
    200,
    'OpenFaaS Cloud',
    html`${session === undefined ? visitor : member(session)}
<p>Push a repo with a <code>stack.yml</code>; its functions answer at <code>${pattern}</code>.</p>
${notes.length === 0 ? [] : html`<h2>This platform</h2><ul>${notes.map((note) => html`<li>${note}</li>`)}</ul>`}`,
  );
}

const visitor = html`<p>You are not signed in. <a href="/auth/login">Sign in</a></p>`;

function member({ identity: { login, owners } }: Session): Html {
  const links = owners.map(
    (owner) =>
      html`<li><a href="/list-functions?user=${encodeURIComponent(owner)}">Functions of ${owner}</a></li>`,
  );
  return html`<p>You are signed in as <strong>${login}</strong>. <a href="/auth/logout">Sign out</a></p>
<ul>${links}</ul>`;
}
