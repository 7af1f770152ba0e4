import { pushFunction } from '#shared/pipeline/push-function.ts';

const { init, handle, metrics } = pushFunction('gitea-push');

export { init, metrics };
/** Begins the deployment of a push that gitea-event verified. */
export default handle;
