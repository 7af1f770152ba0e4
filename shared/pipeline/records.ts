import { LRUCache } from 'lru-cache';
import type * as v from 'valibot';
import { CloudError } from '../errors.ts';
import {
  type Branch,
  type FunctionKey,
  type Owner,
  parseOwner,
  parseRepoName,
  type RepoName,
} from '../names.ts';
import { createJson, getJson } from '../object-store/json.ts';
import { keyPart, textOfPart } from '../object-store/keys.ts';
import type { ObjectStore } from '../object-store/object-store.ts';
import { type Claims, createClaims } from './claims.ts';
import {
  type Deployment,
  type DeploymentRef,
  deploymentSchema,
  parseDeploymentId,
  refOf,
} from './deployment.ts';
import { newestKey } from './deployment-list.ts';
import { type Head, headSchema, newestHead } from './heads.ts';
import {
  type BuildRecord,
  buildRecordSchema,
  type ClosedRecord,
  closedRecordSchema,
  type DeployRecord,
  deployRecordSchema,
  type PlanRecord,
  planRecordSchema,
} from './plan.ts';
import type { DeploymentRecords } from './states.ts';

/** What follows a verdict: the commit says it, orphans are gone, it is on the audit trail. */
export type Told = 'status' | 'garbage' | 'audit';

/** All state of the platform's deployments, in the object store. Each record is written once. */
export interface Records extends Claims {
  /** Writes `deployment.json`, and lists the deployment, also as open. False if it was there. */
  begin(deployment: Deployment): Promise<boolean>;
  load(ref: DeploymentRef): Promise<DeploymentRecords | undefined>;
  /** {@link load} as far as one function is concerned, without its claims: for whoever builds it. */
  loadFor(ref: DeploymentRef, key: FunctionKey): Promise<DeploymentRecords | undefined>;
  isClosed(ref: DeploymentRef): Promise<boolean>;
  /** Whether somebody still has to be told about the verdict, or there is none yet. */
  isOpen(ref: DeploymentRef): Promise<boolean>;
  recordPlan(ref: DeploymentRef, plan: PlanRecord): Promise<boolean>;
  recordBuild(ref: DeploymentRef, key: FunctionKey, build: BuildRecord): Promise<boolean>;
  recordDeploy(ref: DeploymentRef, key: FunctionKey, deploy: DeployRecord): Promise<boolean>;
  /** Writes the verdict; true for the one caller whose verdict it is. Follow up, then {@link settle}. */
  close(ref: DeploymentRef, closed: ClosedRecord): Promise<boolean>;
  /** Notes what has followed the verdict; true for the first who does. */
  recordTold(ref: DeploymentRef, what: Told): Promise<boolean>;
  told(ref: DeploymentRef): Promise<ReadonlySet<Told>>;
  /** Takes a closed deployment off the list of open ones: everybody has been told. */
  settle(ref: DeploymentRef): Promise<void>;
  addHead(deployment: Deployment): Promise<void>;
  /** The newest accepted push of a branch. */
  newestHead(owner: Owner, repo: RepoName, branch: Branch): Promise<Head | undefined>;
  /** All deployments that are not settled; one request, as their keys name them. */
  open(): Promise<DeploymentRef[]>;
  /** Deployments of a repo, oldest first. */
  deploymentsOf(owner: Owner, repo: RepoName): Promise<DeploymentRef[]>;
  /** The key of a function's build context. */
  contextKey(ref: DeploymentRef, key: FunctionKey): string;
  /** Deletes all records of a deployment, which must be closed. */
  forget(ref: DeploymentRef): Promise<void>;
}

/** Whether no push is known that is newer than `head`, one of the same branch. */
export async function isNewestHead(
  records: Pick<Records, 'newestHead'>,
  head: Pick<Deployment, 'owner' | 'repo' | 'branch' | 'id'>,
): Promise<boolean> {
  const newest = await records.newestHead(head.owner, head.repo, head.branch);
  return newest === undefined || newest.id === head.id;
}

/** The keys of everything that belongs to one deployment begin with this. */
export function deploymentPrefix({ owner, repo, id }: DeploymentRef): string {
  return `${repoPrefix(owner, repo)}${id}/`;
}

function repoPrefix(owner: Owner, repo: RepoName): string {
  return `deployments/${keyPart(owner)}/${keyPart(repo)}/`;
}

/** How many pushes may overtake each other. */
const headWindow = 8;

/**
 * Makes {@link Records}.
 *
 * @param now Milliseconds, for tests.
 */
export function createRecords(store: ObjectStore, now: () => number = Date.now): Records {
  const prefix = deploymentPrefix;
  const openKey = (ref: DeploymentRef) =>
    `open/${ref.id}/${keyPart(ref.owner)}/${keyPart(ref.repo)}`;
  const headPrefix = (owner: Owner, repo: RepoName, branch: Branch) =>
    `heads/${keyPart(owner)}/${keyPart(repo)}/${keyPart(branch)}/`;
  const headKey = ({ owner, repo, branch, id }: Deployment) => headPrefix(owner, repo, branch) + id;

  // A record is written once, so what was read of it stays true.
  const known = new LRUCache<string, object>({ max: 1000 });
  const read = async <S extends v.GenericSchema<unknown, object>>(key: string, schema: S) => {
    const before = known.get(key);
    if (before !== undefined) return before as v.InferOutput<S>;
    const record = await getJson(store, key, schema);
    if (record !== undefined) known.set(key, record);
    return record;
  };
  const create = async (key: string, record: object): Promise<boolean> => {
    const created = await createJson(store, key, record);
    if (created) known.set(key, record);
    return created;
  };

  return {
    async begin(deployment) {
      const created = await create(`${prefix(deployment)}deployment.json`, deployment);
      // A duplicate finishes what an interrupted first call left undone.
      if (created || !(await this.isClosed(deployment))) {
        await Promise.all([
          store.put(openKey(deployment), JSON.stringify(refOf(deployment))),
          store.put(newestKey(deployment), ''),
        ]);
      }
      return created;
    },

    async load(ref) {
      const base = prefix(ref);
      const names = (await store.list(base)).map((key) => key.slice(base.length));
      if (!names.includes('deployment.json')) return undefined;
      const readOne = async <S extends v.GenericSchema<unknown, object>>(
        name: string,
        schema: S,
      ) => (names.includes(name) ? read(base + name, schema) : undefined);
      const perFunction = async <S extends v.GenericSchema<unknown, object>>(
        file: string,
        schema: S,
      ) => {
        const found = names.flatMap((name) => {
          const match = /^fn\/([^/]+)\/([^/]+)$/.exec(name);
          return match?.[2] === file ? [{ key: match[1] as FunctionKey, name }] : [];
        });
        const values = await Promise.all(found.map(({ name }) => read(base + name, schema)));
        return new Map(
          found.flatMap(({ key }, index) => {
            const value = values[index];
            return value === undefined ? [] : [[key, value] as const];
          }),
        );
      };
      const [deployment, plan, builds, deploys, closed] = await Promise.all([
        readOne('deployment.json', deploymentSchema),
        readOne('plan.json', planRecordSchema),
        perFunction('build.json', buildRecordSchema),
        perFunction('deploy.json', deployRecordSchema),
        readOne('closed.json', closedRecordSchema),
      ]);
      if (deployment === undefined) return undefined;
      const claimed = new Set(names.flatMap((name) => /^claims\/(.+)\/\d+$/.exec(name)?.[1] ?? []));
      return { deployment, plan, builds, deploys, closed, claimed };
    },

    async loadFor(ref, key) {
      const base = prefix(ref);
      const [deployment, plan, build, closed] = await Promise.all([
        read(`${base}deployment.json`, deploymentSchema),
        read(`${base}plan.json`, planRecordSchema),
        read(`${base}fn/${key}/build.json`, buildRecordSchema),
        read(`${base}closed.json`, closedRecordSchema),
      ]);
      if (deployment === undefined) return undefined;
      const builds = new Map(build === undefined ? [] : [[key, build] as const]);
      return { deployment, plan, builds, deploys: new Map(), closed, claimed: new Set() };
    },

    isClosed: (ref) => store.exists(`${prefix(ref)}closed.json`),
    isOpen: (ref) => store.exists(openKey(ref)),
    recordPlan: (ref, plan) => create(`${prefix(ref)}plan.json`, plan),
    recordBuild: (ref, key, build) => create(`${prefix(ref)}fn/${key}/build.json`, build),
    recordDeploy: (ref, key, deploy) => create(`${prefix(ref)}fn/${key}/deploy.json`, deploy),

    close: (ref, closed) => create(`${prefix(ref)}closed.json`, closed),
    recordTold: (ref, what) => createJson(store, `${prefix(ref)}told/${what}`, { at: now() }),
    async told(ref) {
      const base = `${prefix(ref)}told/`;
      return new Set((await store.list(base)).map((key) => key.slice(base.length) as Told));
    },
    settle: (ref) => store.delete(openKey(ref)),

    ...createClaims(store, prefix, now),

    async addHead(deployment) {
      const { id, sha, before } = deployment;
      await create(headKey(deployment), { id, sha, before });
    },

    async newestHead(owner, repo, branch) {
      const keys = (await store.list(headPrefix(owner, repo, branch))).slice(-headWindow);
      const heads = await Promise.all(keys.map((key) => read(key, headSchema)));
      return newestHead(heads.filter((head) => head !== undefined));
    },

    async open() {
      const keys = await store.list('open/');
      return keys.map((key) => {
        const [, id = '', owner = '', repo = ''] = key.split('/').map(textOfPart);
        return { owner: parseOwner(owner), repo: parseRepoName(repo), id: parseDeploymentId(id) };
      });
    },

    async deploymentsOf(owner, repo) {
      const base = repoPrefix(owner, repo);
      const keys = await store.list(base);
      const ids = new Set(keys.map((key) => key.slice(base.length).split('/')[0]));
      return [...ids].map((id) => ({ owner, repo, id: parseDeploymentId(id) }));
    },

    contextKey: (ref, key) => `${prefix(ref)}fn/${key}/context.tar`,

    async forget(ref) {
      if (!(await this.isClosed(ref))) {
        throw new CloudError('OFC_INTERNAL', 'An open deployment must not be forgotten.');
      }
      const deployment = await getJson(store, `${prefix(ref)}deployment.json`, deploymentSchema);
      if (deployment !== undefined) await store.delete(headKey(deployment));
      await store.delete(newestKey(ref));
      // The verdict goes last: what is interrupted here never looks open, and is finished next time.
      const verdict = `${prefix(ref)}closed.json`;
      const keys = (await store.list(prefix(ref))).filter((key) => key !== verdict);
      for (const key of [...keys, verdict]) await store.delete(key);
    },
  };
}
