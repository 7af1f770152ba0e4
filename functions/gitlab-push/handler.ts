import { pushFunction } from '#shared/pipeline/push-function.ts';

const { init, handle, metrics, close } = pushFunction('gitlab-push');

export { close, init, metrics };
/** Begins the deployment of a push that gitlab-event verified. */
export default handle;
