import type { Answer } from '#shared/webhooks/answer.ts';

/** What GitHub shows after an installation of the App; `undefined` for any other request. */
export function setUpPage(method: string, rawQuery: string): Answer | undefined {
  const isSetUp = new URLSearchParams(rawQuery).get('setup_action') === 'install';
  if (method !== 'GET' || !isSetUp) return undefined;
  return {
    status: 200,
    body: 'Installation completed, please return to the installation guide.',
  };
}
