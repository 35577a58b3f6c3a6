import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SecretApiError } from '../../agent/target/secret-api.ts';
import { Bench } from './bench.ts';
import { specText } from './objects.ts';

for (const refreshInterval of ['0s', '10s'])
  test(`however many Secrets of a namespace are refused, with ${refreshInterval} too the API server is asked sixty times a minute`, async () => {
    const bench = new Bench();
    bench.secrets.refuse = () => new SecretApiError('invalid', { fields: ['x'] });
    for (let index = 0; index < 200; index += 1)
      bench.put(`r${index}`, { spec: specText({ refreshInterval }) });
    await bench.pass(1_000);
    for (let minute = 0; minute < 5; minute += 1) {
      const from = bench.secrets.writes.length;
      await bench.pass(60_000);
      const writes = bench.secrets.writes.length - from;
      assert.ok(writes >= 55 && writes <= 61, `${writes} in minute ${minute}`);
    }
    bench.stop();
  });
