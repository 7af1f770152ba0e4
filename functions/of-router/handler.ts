/**
 * of-router: the pretty URLs. Visitors' requests come in here, and nowhere else.
 *
 * @module
 */
import type { InitHandler, MetricsHandler, RawHandler, UpgradeHandler } from '#runtime-types';
import { loadConfig } from '#shared/config.ts';
import { readConfig } from './config.ts';
import { createRouter, type Router } from './router.ts';

let router: Router;

/** Stops the function at its start if the configuration is wrong. */
export const init: InitHandler = () => {
  router = createRouter(loadConfig(readConfig));
};

export const raw: RawHandler = (request, response, context) =>
  router.handle(request, response, context);

export const upgrade: UpgradeHandler = (request, socket, head) =>
  router.upgrade(request, socket, head);

export const metrics: MetricsHandler = () => router.metrics();
