import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { missing } from '../../scripts/image/machine.ts';

const ROOT = join(import.meta.dirname, '../..');

test(
  'the image, built by the Dockerfile’s steps and run by runc as the pod would be, syncs, rotates and ends',
  { timeout: 600_000, skip: missing() ?? false },
  async () => {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--import', 'tsx', 'scripts/image.ts', '--build-arg', 'REVISION=0123'],
      { cwd: ROOT },
    );
    assert.match(stdout, /^LABEL .*image\.revision="0123"/m);
    const seen = stdout.split('\n').filter((line) => line.startsWith('✓ '));
    assert.match(seen.at(-1) ?? '', /^✓ ended with 0 /, stdout);
  },
);
