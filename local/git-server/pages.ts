import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Html, html } from '#shared/web/html.ts';
import { authenticate, canRead } from './api-auth.ts';
import { commitSection } from './commit-section.ts';
import { type Commit, readCommits, resolveCommit } from './commits.ts';
import type { Delivery } from './deliveries.ts';
import { HttpError, notFound } from './http-error.ts';
import { sendPage } from './page-layout.ts';
import { deliveryGroup } from './pushes.ts';
import { type FoundRepo, findRepo, type Services } from './services.ts';

/** Commits and deliveries shown of a repo. */
const shown = 20;

/** Makes the pages that people look at. They show public repos; all text is escaped. */
export function createPages(services: Services, basePath: string) {
  const { store, git, deliveries, records, tokens } = services;
  const linkTo = ({ fullName }: FoundRepo): string => `${basePath}/${fullName}`;

  const sections = async (found: FoundRepo, commits: readonly Commit[]): Promise<Html[]> =>
    Promise.all(
      commits.map(async (commit) => {
        const { checkRuns, statuses } = records(found.repo);
        const said = {
          runs: await checkRuns.list(commit.id),
          statuses: await statuses.list(commit.id),
        };
        return commitSection(commit, said, linkTo(found));
      }),
    );

  const showRepos = (response: ServerResponse, owner?: string): void => {
    const at = services.addresses();
    const repos = store.repos(owner).filter((repo) => !repo.private);
    const items = repos.map(
      ({ owner, name, pushedAt }) =>
        html`<tr><td><a href="${basePath}/${owner}/${name}">${owner}/${name}</a></td><td class="faint">pushed ${pushedAt}</td></tr>`,
    );
    const list =
      repos.length === 0 ? html`<p>Nothing was pushed yet.</p>` : html`<table>${items}</table>`;
    const content = html`<h1>Git server</h1>${list}
<p>A repo is made by its first push, under any owner you like:</p>
<pre>git push ${at.html}/${owner ?? 'alice'}/hello.git HEAD:main</pre>
<p class="faint">This server is for one machine: it answers 127.0.0.1 only and asks for no password.</p>`;
    sendPage(response, 'Git server', content, { live: true });
  };

  const showRepo = async (response: ServerResponse, found: FoundRepo): Promise<void> => {
    const commits = await readCommits(git, found.gitFolder, await heads(found), [], shown);
    const sent = (await deliveries.list(deliveryGroup(found.repo))).slice(0, shown);
    const at = services.addresses();
    const content = html`<p><a href="${basePath}/">Git server</a></p><h1>${found.fullName}</h1>
<pre>git clone ${at.html}/${found.fullName}.git</pre>
<h2>Commits</h2>${await sections(found, commits)}
<h2>Webhooks</h2>${sent.map((delivery) => deliveryRow(delivery, linkTo(found)))}`;
    sendPage(response, found.fullName, content, { live: true });
  };

  /** The branches; an empty repo has none. */
  const heads = async (found: FoundRepo): Promise<string[]> => {
    const output = await git.read(found.gitFolder, [
      'for-each-ref',
      '--format=%(objectname)',
      'refs/heads',
    ]);
    return output.toString('utf8').split('\n').filter(Boolean);
  };

  const showCommit = async (
    response: ServerResponse,
    found: FoundRepo,
    name: string,
  ): Promise<void> => {
    const sha = await resolveCommit(git, found.gitFolder, name);
    if (sha === undefined) throw notFound();
    const commits = await readCommits(git, found.gitFolder, [sha], [], 1);
    const content = html`<p><a href="${linkTo(found)}">${found.fullName}</a></p><h1>${sha.slice(0, 7)}</h1>${await sections(found, commits)}`;
    sendPage(response, `${found.fullName} ${sha.slice(0, 7)}`, content, { live: true });
  };

  const redeliver = async (
    response: ServerResponse,
    found: FoundRepo,
    id: string,
  ): Promise<void> => {
    const group = deliveryGroup(found.repo);
    const delivery = (await deliveries.list(group)).find((one) => String(one.id) === id);
    if (delivery === undefined) throw notFound();
    await deliveries.redeliver(group, delivery.id);
    response.writeHead(303, { location: linkTo(found) }).end();
  };

  /** Answers a request for a page; `path` begins below the base path. */
  return async (
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
  ): Promise<void> => {
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    if (path === '' || path === '/') return showRepos(response);
    const [ownerText = '', nameText = '', what, id = '', action] = path.slice(1).split('/');
    if (nameText === '' && isRead) {
      const account = store.account(ownerText);
      if (account === undefined) throw notFound();
      return showRepos(response, account.login);
    }
    const found = findRepo(services, ownerText, nameText);
    if (found === undefined || !canRead(authenticate(request, tokens), found.repo, store))
      throw notFound();
    if (action === 'redeliver' && what === 'deliveries') {
      if (request.method !== 'POST') throw new HttpError(405, 'Use POST.');
      return redeliver(response, found, id);
    }
    if (!isRead) throw new HttpError(405, 'Use GET.');
    if (what === undefined || what === '' || what === 'compare') return showRepo(response, found);
    if (what === 'commit' && action === undefined) return showCommit(response, found, id);
    throw notFound();
  };
}

function deliveryRow(delivery: Delivery, link: string): Html {
  const { id, guid, event, action, createdAt, state, attempts } = delivery;
  const last = attempts.at(-1);
  const look = state === 'delivered' ? 'success' : state === 'failed' ? 'failure' : 'pending';
  const result =
    last === undefined
      ? 'not sent yet'
      : last.statusCode === 0
        ? 'no answer'
        : `status ${last.statusCode}`;
  return html`<article><p><strong>${event}</strong> ${action} <span class="${look}">${state}, ${result}</span>
<span class="faint">${createdAt}, attempts: ${attempts.length}, ${last?.durationMs ?? 0} ms, ${guid}</span></p>
<details id="delivery-${id}"><summary>Answer</summary><pre>${last?.text}</pre></details>
<form method="post" action="${link}/deliveries/${id}/redeliver"><button>Redeliver</button></form></article>`;
}
