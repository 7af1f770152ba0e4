import { pushFunction } from '#shared/pipeline/push-function.ts';

const { init, handle } = pushFunction('gitea-push');

export { init };
/** Begins the deployment of a push that gitea-event verified. */
export default handle;
