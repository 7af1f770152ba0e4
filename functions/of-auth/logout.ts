import { readCookie, serializeCookie } from '#shared/auth/cookies.ts';
import { isForeign } from '#shared/auth/cross-site.ts';
import { html } from '#shared/web/html.ts';
import { type Answer, page, redirect } from './answer.ts';
import type { AuthParts, Call } from './parts.ts';
import { readForm } from './read-form.ts';

/** `GET /auth/logout`: asks, because a mere link must not sign anyone out. */
export function logoutForm(): Answer {
  return page(
    200,
    'Sign out',
    html`<form method="post" action="/auth/logout"><p>Functions that you opened in this browser ask again, too.</p><p class="choices"><button>Sign out</button>
<button class="second" name="everywhere" value="1">Sign out on all devices</button></p></form>`,
  );
}

/** `POST /auth/logout`: ends the session, if one of our own pages asked for it. */
export async function logout(parts: AuthParts, { request, note }: Call): Promise<Answer> {
  const { config, cookies, sessions } = parts;
  const { site } = config;
  const { headers } = request;
  if (isForeign('POST', headers, site.systemOrigin)) {
    return page(
      403,
      'Not signed out',
      html`<p>The request did not come from a page of this platform.</p>
<p><a class="button" href="/auth/logout">Sign out</a></p>`,
    );
  }
  const form = await readForm(request);
  const token = readCookie(headers.cookie, cookies.session);
  const session = await sessions.read(token, site.systemHost);
  if (session !== undefined) {
    const everywhere = form.get('everywhere') === '1';
    await (everywhere ? sessions.endAll(session) : sessions.end(session));
    note(everywhere ? 'signed out everywhere' : 'signed out', session.person);
  }
  return redirect(303, `${site.systemOrigin}/`, [serializeCookie(site, cookies.session, '', 0)]);
}
