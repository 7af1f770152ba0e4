import { pushFunction } from '#shared/pipeline/push-function.ts';

const { init, handle } = pushFunction('gitlab-push');

export { init };
/** Begins the deployment of a push that gitlab-event verified. */
export default handle;
