import { pushFunction } from '#shared/pipeline/push-function.ts';

const { init, handle, metrics } = pushFunction('gitlab-push');

export { init, metrics };
/** Begins the deployment of a push that gitlab-event verified. */
export default handle;
