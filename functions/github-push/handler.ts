import { pushFunction } from '#shared/pipeline/push-function.ts';

const { init, handle } = pushFunction('github-push');

export { init };
/** Begins the deployment of a push that github-event verified. */
export default handle;
