import { type Html, html } from '#shared/web/html.ts';
import type { CheckRun } from './check-runs.ts';
import { latestByName } from './check-runs.ts';
import type { Commit } from './commits.ts';
import { renderMarkdown } from './markdown.ts';
import { type CommitStatus, combine } from './statuses.ts';

/** A commit with its check runs and statuses; `link` is the address of its repo. */
export function commitSection(
  commit: Commit,
  said: { readonly runs: readonly CheckRun[]; readonly statuses: readonly CommitStatus[] },
  link: string,
): Html {
  const [title = ''] = commit.message.split('\n');
  return html`<article><h3><a href="${link}/commit/${commit.id}"><code>${commit.id.slice(0, 7)}</code></a> ${title}</h3>
<p class="faint">${commit.author.name}, ${commit.committer.date}</p>
${latestByName(said.runs).map(checkRunSection)}
${combine(said.statuses).latest.map(statusLine)}</article>`;
}

function checkRunSection(run: CheckRun): Html {
  const { title, summary, text } = run.output;
  const log =
    text === null
      ? ''
      : html`<details id="log-${run.id}"><summary>Log</summary>${renderMarkdown(text)}</details>`;
  return html`<article id="run-${run.id}"><h4>${icon(run.conclusion ?? run.status)} ${run.name}: ${run.conclusion ?? run.status}</h4>
<p><strong>${title}</strong> ${run.detailsUrl === null ? '' : linkTo(run.detailsUrl)}</p>
${summary === null ? '' : renderMarkdown(summary)}${log}</article>`;
}

function statusLine({ state, context, description, targetUrl }: CommitStatus): Html {
  return html`<article><h4>${icon(state)} ${context}: ${state}</h4><p>${description} ${targetUrl ? linkTo(targetUrl) : ''}</p></article>`;
}

/** Addresses were checked to be http or https when they came in. */
function linkTo(address: string): Html {
  return html`<a href="${address}" rel="noreferrer">${address}</a>`;
}

function icon(state: string): Html {
  if (state === 'success') return html`<span class="success">✔</span>`;
  if (['failure', 'error', 'timed_out', 'cancelled', 'action_required'].includes(state)) {
    return html`<span class="failure">✘</span>`;
  }
  if (state === 'neutral' || state === 'skipped') return html`<span class="faint">■</span>`;
  return html`<span class="pending">●</span>`;
}
