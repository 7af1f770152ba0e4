import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { RegistryError } from '../../../local/registry/registry-error.ts';
import { RepositoryFiles } from '../../../local/registry/repository-files.ts';
import { UploadSessions } from '../../../local/registry/upload-sessions.ts';
import { tempDir } from '../../helpers/temp-dir.ts';

const hour = 3_600_000;

describe('UploadSessions', () => {
  it('drops what nobody has touched for an hour', async () => {
    const folder = await tempDir();
    const uploads = new UploadSessions(await RepositoryFiles.open(folder.path));
    try {
      const id = await uploads.start('a');
      await uploads.dropIdle(Date.now() + hour - 10_000);
      expect(uploads.size('a', id)).to.equal(0);
      await uploads.dropIdle(Date.now() + hour + 10_000);
      expect(() => uploads.size('a', id)).to.throw(RegistryError);
      expect(await readdir(join(folder.path, 'tmp'))).to.deep.equal([]);
    } finally {
      await uploads.close();
      await folder.remove();
    }
  });
});
