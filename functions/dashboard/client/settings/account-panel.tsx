import type { Me } from '../../api/schemas.ts';
import { texts } from '../texts.ts';

/** Who is signed in, and the ways out. */
export function AccountPanel({ me }: { me: Me }) {
  return (
    <section class="card">
      <h2>{texts.account}</h2>
      <p>
        {texts.signedInAs(me.login, me.provider)} {me.operator ? texts.isOperator : ''}
      </p>
      <form class="bar" method="post" action="/auth/logout">
        <button type="submit">{texts.signOutHere}</button>
        <button type="submit" name="everywhere" value="1">
          {texts.signOutEverywhere}
        </button>
      </form>
    </section>
  );
}
