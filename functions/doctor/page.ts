import type { Finding } from '#shared/doctor/finding.ts';
import { html } from '#shared/web/html.ts';
import { renderPage } from '#shared/web/page.ts';

const marks = { ok: '✔', skipped: '–', warning: '!', error: '✘' } as const;

/** What the checks found, as a page. */
export function findingsPage(findings: readonly Finding[]): string {
  const count = (level: Finding['level']) => findings.filter((f) => f.level === level).length;
  return renderPage(
    'Doctor',
    html`<p>${count('error')} errors, ${count('warning')} warnings. The page looks anew each time it is loaded.</p>
<dl>${findings.map(
      ({
        check,
        code,
        level,
        what,
        why,
        fix,
      }) => html`<dt>${marks[level]} <strong>${check}</strong> <code>${code}</code></dt>
<dd>${what} ${why}${fix === '' ? [] : html`<br>To do: ${fix}`}</dd>
`,
    )}</dl>
<p><a href="/">Start page</a></p>`,
  );
}
