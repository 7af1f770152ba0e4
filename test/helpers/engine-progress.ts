import type Docker from 'dockerode';

/**
 * Waits for the end of a pull, push or build.
 *
 * @throws Error with the engine's text: it answers 200 first and tells of the failure in the stream.
 */
export function progressEnds(docker: Docker, progress: NodeJS.ReadableStream): Promise<void> {
  return new Promise((resolve, reject) => {
    docker.modem.followProgress(progress, (error, events: readonly { error?: string }[] = []) => {
      const failed = events.find((event) => event.error !== undefined);
      if (error) reject(error);
      else if (failed !== undefined) reject(new Error(failed.error));
      else resolve();
    });
  });
}
