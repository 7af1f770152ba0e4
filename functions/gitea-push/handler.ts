import { pushFunction } from '#shared/pipeline/push-function.ts';

const { init, handle, metrics, close } = pushFunction('gitea-push');

export { close, init, metrics };
/** Begins the deployment of a push that gitea-event verified. */
export default handle;
