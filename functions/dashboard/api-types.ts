import type { DeploymentState, FunctionState } from '#shared/pipeline/states.ts';

/**
 * What the dashboard's API answers. The page's own code shares these types, so both sides change
 * together.
 *
 * @module
 */

/** `GET /dashboard/api/me` */
export interface Me {
  readonly login: string;
  /** The owners whose things this person may see; the login comes first. */
  readonly owners: readonly string[];
  /** Texts and addresses that depend on the installation. */
  readonly site: { readonly systemOrigin: string };
}

/** Invocations in the window, and how they were spread over it. */
export interface Traffic {
  readonly success: number;
  readonly failure: number;
  /** Invocations in each step of the window, oldest first. */
  readonly spark: readonly number[];
}

/** One function in `GET /dashboard/api/functions`. */
export interface FunctionRow {
  /** The deployed name. */
  readonly service: string;
  /** The name in stack.yml. */
  readonly name: string;
  readonly owner: string;
  readonly url: string;
  readonly repo: string;
  readonly repoUrl: string | null;
  readonly branch: string;
  readonly sha: string;
  readonly private: boolean;
  /** Milliseconds since 1970; `null` if it is not known. */
  readonly deployedAt: number | null;
  readonly replicas: number;
  readonly availableReplicas: number;
  /** `null` while metrics do not answer. */
  readonly traffic: Traffic | null;
  readonly image: string;
  readonly environment: readonly string[];
  readonly secrets: readonly string[];
  readonly limits: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** `GET /dashboard/api/functions?owner=` */
export interface FunctionList {
  readonly functions: readonly FunctionRow[];
  /** Why there are no numbers, if there are none. */
  readonly metricsProblem: string | null;
}

/** One deployment in `GET /dashboard/api/deployments?owner=`. */
export interface DeploymentRow {
  readonly owner: string;
  readonly repo: string;
  readonly id: string;
  readonly branch: string;
  readonly sha: string;
  readonly pusher: string;
  readonly receivedAt: number;
  readonly state: DeploymentState;
  /** The verdict in a sentence, once there is one. */
  readonly text: string | null;
  readonly endedAt: number | null;
}

/** `GET /dashboard/api/deployments?owner=` */
export interface DeploymentPage {
  readonly deployments: readonly DeploymentRow[];
  /** Ask with `before=` this for older ones. */
  readonly next: string | null;
}

/** What one function of a deployment came to. */
export interface DeployedFunction {
  readonly name: string;
  readonly state: FunctionState;
  readonly text: string;
  readonly url: string | null;
  /** Built before, from the same context. */
  readonly cached: boolean;
  readonly hasLog: boolean;
}

/** A moment of a deployment. */
export interface StepMoment {
  /** Milliseconds after the push was received. */
  readonly ms: number;
  readonly what: string;
}

/** `GET /dashboard/api/deployment?owner=&repo=&id=` */
export interface DeploymentDetail extends DeploymentRow {
  readonly repoUrl: string;
  readonly warnings: readonly string[];
  readonly functions: readonly DeployedFunction[];
  readonly steps: readonly StepMoment[];
}
