import { serializeCookie, sessionCookieName } from '#shared/auth/cookies.ts';
import type { Site } from '#shared/router/site.ts';
import { html } from '#shared/web/html.ts';
import { type Answer, page, redirect } from './answer.ts';

/** `GET /auth/logout`: asks, because a mere link must not sign anyone out. */
export function logoutForm(): Answer {
  return page(
    200,
    'Sign out',
    html`<form method="post" action="/auth/logout"><button>Sign out</button></form>`,
  );
}

/** `POST /auth/logout`: removes the session, if one of our own pages asked for it. */
export function logout(site: Site, origin: string | undefined): Answer {
  if (origin !== site.systemOrigin) {
    return page(
      403,
      'Not signed out',
      html`<p>The request did not come from a page of this platform.</p>
<p><a href="/auth/logout">Sign out</a></p>`,
    );
  }
  return redirect(303, `${site.systemOrigin}/`, [
    serializeCookie(site, sessionCookieName(site), '', 0),
  ]);
}
