import { randomUUID } from 'node:crypto';
import { errorMessage } from '../errors.ts';
import { createS3ObjectStore } from '../object-store/s3-object-store.ts';
import { storeSettings } from '../platform-settings.ts';
import { type Check, settingsOf } from './check.ts';
import { isRefusal } from './check-gateway.ts';

const racers = 8;

/** The object store: reachable, ours to write, and of several conditional writers exactly one wins. */
export const checkStore: Check = {
  name: 'store',
  async run(patient, report) {
    const store = createS3ObjectStore(settingsOf(patient, storeSettings));
    const key = `doctor/${randomUUID()}`;
    try {
      await store.put(`${key}/plain`, 'x');
      const won = await Promise.all(
        Array.from({ length: racers }, (_, index) => store.create(`${key}/race`, `${index}`)),
      );
      const winners = won.filter(Boolean).length;
      const kept = Number(await store.get(`${key}/race`));
      if (winners !== 1 || !won[kept] || (await store.create(`${key}/race`, 'late'))) {
        const what = `Of ${racers} writers with "If-None-Match: *" ${winners} were told that they won.`;
        report('store-conditional', what);
      }
      for (const name of ['plain', 'race']) await store.delete(`${key}/${name}`);
    } catch (error) {
      report(isRefusal(error) ? 'store-credentials' : 'store-unreachable', errorMessage(error));
    }
  },
};
