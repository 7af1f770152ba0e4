import { pushFunction } from '#shared/pipeline/push-function.ts';

const { init, handle, metrics, close } = pushFunction('github-push');

export { close, init, metrics };
/** Begins the deployment of a push that github-event verified. */
export default handle;
