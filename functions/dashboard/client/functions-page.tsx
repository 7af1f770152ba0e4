import { useMemo, useRef, useState } from 'preact/hooks';
import type { FunctionRow } from '../api/schemas.ts';
import { askApi } from './api.ts';
import { CommitLink } from './commit-link.tsx';
import { Answered, Empty } from './feedback.tsx';
import { FunctionState } from './function-state.tsx';
import { paths } from './paths.ts';
import { Spark } from './spark.tsx';
import { texts } from './texts.ts';
import { Ago } from './time.tsx';
import { useAnswer } from './use-answer.ts';
import { useWindowList } from './use-window-list.ts';
import { type TimeWindow, WindowPicker } from './window-picker.tsx';

/** With two lines of text. */
const rowPx = 68;

type Order = 'name' | 'deployed' | 'invocations' | 'errors';

const orders: Readonly<Record<Order, (a: FunctionRow, b: FunctionRow) => number>> = {
  name: (a, b) => a.name.localeCompare(b.name),
  deployed: (a, b) => (b.deployedAt ?? 0) - (a.deployedAt ?? 0),
  invocations: (a, b) => invocations(b) - invocations(a),
  errors: (a, b) => (b.traffic?.failure ?? 0) - (a.traffic?.failure ?? 0),
};

/** All functions of an owner. */
export function FunctionsPage({ owner }: { owner: string }) {
  const [window, setWindow] = useState<TimeWindow>('60m');
  const [search, setSearch] = useState('');
  const [repo, setRepo] = useState('');
  const [order, setOrder] = useState<Order>('deployed');
  const loaded = useAnswer(
    `${owner} ${window}`,
    (signal) => askApi('functions', { owner, window }, signal),
    3000,
    'functions',
  );
  return (
    <>
      <div class="title">
        <h1>{texts.functions}</h1>
        <WindowPicker value={window} onChange={setWindow} />
      </div>
      <Answered loaded={loaded}>
        {({ functions, metricsProblem }) => {
          if (functions.length === 0) {
            return <Empty title={texts.noFunctions} hint={texts.noFunctionsHint} />;
          }
          const repos = [...new Set(functions.map((fn) => fn.repo))].sort();
          const rows = functions
            .filter((fn) => repo === '' || fn.repo === repo)
            .filter((fn) => matches(fn, search))
            .sort(orders[order]);
          return (
            <>
              <div class="bar">
                <input
                  type="search"
                  placeholder={texts.searchFunctions}
                  aria-label={texts.searchFunctions}
                  value={search}
                  onInput={({ currentTarget }) => setSearch(currentTarget.value)}
                />
                <select
                  aria-label={texts.repo}
                  value={repo}
                  onChange={({ currentTarget }) => setRepo(currentTarget.value)}
                >
                  <option value="">{texts.allRepos}</option>
                  {repos.map((name) => (
                    <option key={name}>{name}</option>
                  ))}
                </select>
              </div>
              {metricsProblem === null ? null : (
                <p class="banner" role="status">
                  {texts.metricsProblem}
                  {metricsProblem}
                </p>
              )}
              {rows.length === 0 ? (
                <p class="muted">{texts.noMatch}</p>
              ) : (
                <FunctionTable rows={rows} order={order} onOrder={setOrder} />
              )}
            </>
          );
        }}
      </Answered>
    </>
  );
}

function FunctionTable({
  rows,
  order,
  onOrder,
}: {
  rows: readonly FunctionRow[];
  order: Order;
  onOrder: (order: Order) => void;
}) {
  const head = (name: Order) => (
    <th
      scope="col"
      aria-sort={order === name ? (name === 'name' ? 'ascending' : 'descending') : 'none'}
    >
      <button type="button" class="plain" onClick={() => onOrder(name)}>
        {texts[name]}
      </button>
    </th>
  );
  const body = useRef<HTMLTableSectionElement>(null);
  const list = useWindowList(body, rows.length, rowPx);
  return (
    <table class="rows" aria-rowcount={rows.length + 1}>
      <thead>
        <tr>
          {head('name')}
          <th scope="col">{texts.repo}</th>
          {head('deployed')}
          {head('invocations')}
          {head('errors')}
          <th scope="col">{texts.state}</th>
        </tr>
      </thead>
      <tbody ref={body}>
        <Room px={list.abovePx} />
        {list.rows.map(({ index }) => {
          const fn = rows[index];
          if (fn === undefined) return null;
          return (
            <tr key={fn.service} data-index={index} aria-rowindex={index + 2} ref={list.measure}>
              <Cells fn={fn} />
            </tr>
          );
        })}
        <Room px={list.belowPx} />
      </tbody>
    </table>
  );
}

/** Takes the room of rows that are not in the page. */
function Room({ px }: { px: number }) {
  if (px <= 0) return null;
  return (
    <tr class="room">
      <td colSpan={6} style={{ height: `${px}px` }} />
    </tr>
  );
}

/** The same elements as long as the function is the same, so that scrolling compares none of them. */
function Cells({ fn }: { fn: FunctionRow }) {
  return useMemo(() => <FunctionCells fn={fn} />, [fn]);
}

function FunctionCells({ fn }: { fn: FunctionRow }) {
  return (
    <>
      <th scope="row" data-label={texts.name}>
        <a href={paths.function(fn.owner, fn.name)}>{fn.name}</a>
        <a class="url" href={fn.url}>
          {fn.url.replace(/^https?:\/\//, '')}
        </a>
      </th>
      <td data-label={texts.repo}>
        <a href={paths.deployments(fn.owner, fn.repo)}>{fn.repo}</a>
        {fn.private ? <span class="badge">{texts.privateRepo}</span> : null}
        <span class="muted">
          {fn.branch} <CommitLink repoUrl={fn.repoUrl} sha={fn.sha} />
        </span>
      </td>
      <td data-label={texts.deployed}>
        {fn.deployedAt === null ? '–' : <Ago at={fn.deployedAt} />}
        {fn.deployedBy === null ? null : (
          <span class="muted">
            {texts.by} {fn.deployedBy}
          </span>
        )}
      </td>
      <td data-label={texts.invocations}>
        <span class="figure">{fn.traffic === null ? '–' : invocations(fn)}</span>
        <Spark
          values={fn.traffic?.spark ?? []}
          failures={fn.traffic?.failures ?? []}
          label={texts.sparkOf(invocations(fn), fn.traffic?.failure ?? 0)}
        />
      </td>
      <td data-label={texts.errors}>
        <ErrorRate fn={fn} />
      </td>
      <td data-label={texts.state}>
        <FunctionState fn={fn} />
      </td>
    </>
  );
}

function ErrorRate({ fn: { traffic } }: { fn: FunctionRow }) {
  const all = (traffic?.success ?? 0) + (traffic?.failure ?? 0);
  if (traffic === null || all === 0) return <span class="muted">–</span>;
  const rate = (traffic.failure / all) * 100;
  return <span class={traffic.failure > 0 ? 'bad' : 'good'}>{percent(rate)}</span>;
}

/** A share in per cent; one that is not zero never looks as if it were. */
function percent(rate: number): string {
  return rate > 0 && rate < 0.1 ? '< 0.1 %' : `${rate.toFixed(rate < 10 ? 1 : 0)} %`;
}

function invocations({ traffic }: FunctionRow): number {
  return (traffic?.success ?? 0) + (traffic?.failure ?? 0);
}

function matches({ name, repo, branch }: FunctionRow, search: string): boolean {
  const wanted = search.trim().toLowerCase();
  return `${name} ${repo} ${branch}`.toLowerCase().includes(wanted);
}
