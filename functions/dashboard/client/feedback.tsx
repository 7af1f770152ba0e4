import type { ComponentChildren } from 'preact';
import { ApiError } from './api.ts';
import { texts } from './texts.ts';
import type { Loaded } from './use-answer.ts';

/** Shows an answer once it is there, and what to do while it is not. */
export function Answered<T>({
  loaded: { value, problem },
  children,
}: {
  loaded: Loaded<T>;
  children: (value: T) => ComponentChildren;
}) {
  if (value !== undefined) {
    return (
      <>
        {problem === undefined ? null : (
          <p class="banner" role="status">
            {texts.offline}
          </p>
        )}
        {children(value)}
      </>
    );
  }
  if (problem === undefined) return <Skeleton />;
  return <Problem problem={problem} />;
}

/** The shape of what will come, after a moment: what is quick does not flicker. */
function Skeleton() {
  return (
    <div class="skeleton" role="status">
      <span class="hidden">{texts.loading}</span>
      <div />
      <div />
      <div />
    </div>
  );
}

function Problem({ problem }: { problem: Error }) {
  const status = problem instanceof ApiError ? problem.status : 0;
  if (status === 401 || status === 403) {
    return (
      <Empty title={texts.signedOut} hint={problem.message}>
        <a class="button" href={`/auth/login?r=${encodeURIComponent(location.href)}`}>
          {texts.signIn}
        </a>
      </Empty>
    );
  }
  if (status === 404) {
    return (
      <Empty title={texts.notFound} hint={texts.notFoundHint}>
        <a class="button" href="/dashboard/">
          {texts.back}
        </a>
      </Empty>
    );
  }
  return (
    <Empty title={texts.offline} hint={status === 0 ? '' : problem.message}>
      <button type="button" onClick={() => location.reload()}>
        {texts.retry}
      </button>
    </Empty>
  );
}

/** A place where there is nothing, saying why and what to do. */
export function Empty({
  title,
  hint,
  children,
}: {
  title: string;
  hint: string;
  children?: ComponentChildren;
}) {
  return (
    <section class="empty">
      <h2>{title}</h2>
      <p>{hint}</p>
      {children}
    </section>
  );
}
