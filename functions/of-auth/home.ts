import { readCookie, serializeCookie } from '#shared/auth/cookies.ts';
import { identityOf } from '#shared/auth/person.ts';
import type { Session } from '#shared/auth/session.ts';
import { type Html, html } from '#shared/web/html.ts';
import { type Answer, page } from './answer.ts';
import type { AuthParts, Call } from './parts.ts';

/** `GET /`: who is signed in, where to go, and what the operator says about the platform. */
export async function homePage(parts: AuthParts, { request }: Call): Promise<Answer> {
  const { config, cookies, sessions } = parts;
  const { site, notes } = config;
  const token = readCookie(request.headers.cookie, cookies.session);
  const session = await sessions.read(token, site.systemHost);
  const renewed = session && sessions.renewed(session);
  const pattern = `${site.scheme}://<owner>.${site.domain}${site.port}/<function>`;
  return page(
    200,
    'Functions by git push',
    html`<p>Push a repo with a <code>stack.yml</code>; its functions answer at <code>${pattern}</code>.</p>
${session === undefined ? visitor : member(session, parts.isOperator(session.person))}
${notes.length === 0 ? [] : html`<h2>This platform</h2><ul>${notes.map((note) => html`<li>${note}</li>`)}</ul>`}`,
    renewed === undefined
      ? []
      : [serializeCookie(site, cookies.session, renewed.token, renewed.seconds)],
  );
}

const visitor = html`<p><a class="button" href="/auth/login">Sign in</a></p><p><small>You are not signed in.</small></p>`;

function member({ person }: Session, operator: boolean): Html {
  const { owners } = identityOf(person, { operator, readOnly: false, byToken: false });
  const links = owners.map(
    (owner) =>
      html`<li><a href="/dashboard/${encodeURIComponent(owner.replaceAll('/', '~'))}">Functions of ${owner}</a>
<small>(<a href="/list-functions?user=${encodeURIComponent(owner)}">as JSON</a>, <a href="/publickey?owner=${encodeURIComponent(owner)}">key to seal secrets with</a>)</small></li>`,
  );
  return html`<ul>${links}</ul>
<p>You are signed in as <strong>${person.login}</strong>${operator ? html`, an operator of this platform (<a href="/doctor">doctor</a>)` : ''}.</p>
<p><a class="button second" href="/auth/logout">Sign out</a></p>`;
}
