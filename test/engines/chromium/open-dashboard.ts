import type { Browser, Page } from 'playwright-core';
import { complaintsOf, signIn, startChromium } from '../../helpers/chromium.ts';
import { answering, deploymentsOn, stackFile } from '../../helpers/deployments.ts';
import type { GitRepo } from '../../helpers/git-repo.ts';
import type { PlatformProcess } from '../../helpers/platform-process.ts';
import { sharedPlatform } from '../../helpers/shared-platform.ts';

/** The dashboard in a browser, and what it is about. */
export interface OpenDashboard {
  readonly platform: PlatformProcess;
  readonly browser: Browser;
  /** The owner of the repo is signed in. */
  readonly page: Page;
  /** What the page complains about, so far. */
  readonly complaints: string[];
  readonly repo: GitRepo;
  close(): Promise<void>;
}

/** Opens the dashboard of an owner, with a repo whose functions are live and answer with their names. */
export async function openDashboard(
  owner: string,
  name: string,
  functions: readonly string[],
): Promise<OpenDashboard> {
  const platform = await sharedPlatform();
  const on = deploymentsOn(() => platform);
  const repo = await on.repo(owner, name);
  const handlers = functions.map((fn) => [`${fn}/handler.ts`, answering(fn)] as const);
  const files = { 'stack.yml': stackFile(...functions), ...Object.fromEntries(handlers) };
  await on.completed(owner, name, await on.push(repo, files));
  const browser = await startChromium();
  const page = await (await browser.newContext()).newPage();
  page.setDefaultTimeout(30_000);
  const complaints = complaintsOf(page);
  await signIn(page, `http://system.localhost:${platform.port}/dashboard/`, owner);
  return {
    ...{ platform, browser, page, complaints, repo },
    async close() {
      await browser.close();
      await repo.remove();
    },
  };
}
