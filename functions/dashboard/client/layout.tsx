import type { ComponentChildren } from 'preact';
import { useLocation } from 'preact-iso';
import type { Me } from '../api/schemas.ts';
import { useLive } from './live.ts';
import { paths } from './paths.ts';
import { texts } from './texts.ts';

/** The pages of an owner that the bar leads to. */
export const pageNames = ['functions', 'deployments', 'audit', 'settings', 'platform'] as const;
export type PageName = (typeof pageNames)[number];

/** What is on every page: whose things are shown, and the ways to them. */
export function Layout({
  me,
  owner,
  current,
  children,
}: {
  me: Me;
  owner: string;
  current: PageName;
  children: ComponentChildren;
}) {
  const { route } = useLocation();
  useLive(owner);
  return (
    <>
      <a class="skip" href="#main">
        {texts.skip}
      </a>
      <header>
        <a class="home" href={paths.functions(owner)}>
          {texts.product}
        </a>
        <select
          aria-label={texts.owner}
          value={owner}
          onChange={({ currentTarget }) => route(paths[current](currentTarget.value))}
        >
          {me.owners.map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
        <nav aria-label={owner}>
          {pageNames
            .filter((name) => name !== 'platform' || me.operator)
            .map((name) => (
              <a
                key={name}
                href={paths[name](owner)}
                aria-current={name === current ? 'page' : undefined}
              >
                {texts[name]}
              </a>
            ))}
        </nav>
        <span class="who">
          {me.login} · <a href="/auth/logout">{texts.signOut}</a>
        </span>
      </header>
      <main id="main" tabIndex={-1}>
        {children}
      </main>
    </>
  );
}
