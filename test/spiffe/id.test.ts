import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MalformedError } from '../../agent/spiffe/error.ts';
import { parseSpiffeId, workloadName } from '../../agent/spiffe/id.ts';
import { parseSocketAddress } from '../../agent/spiffe/socket-address.ts';

test('a SPIFFE ID is taken apart and kept as it was written', () => {
  assert.deepEqual(parseSpiffeId('spiffe://vsecm.com/workload/x/n/pod-1'), {
    uri: 'spiffe://vsecm.com/workload/x/n/pod-1',
    trustDomain: 'vsecm.com',
    path: '/workload/x/n/pod-1',
  });
  assert.equal(parseSpiffeId('spiffe://td-1._x').path, '');
  assert.equal(parseSpiffeId(`spiffe://${'t'.repeat(255)}/${'p'.repeat(1783)}`).path.length, 1784);
});

const BAD_IDS: Record<string, string> = {
  'nothing at all': '',
  'another scheme': 'https://vsecm.com/x',
  'a scheme in capitals': 'SPIFFE://vsecm.com/x',
  'no trust domain': 'spiffe:///x',
  'a trust domain in capitals': 'spiffe://VSECM.com/x',
  'a port': 'spiffe://vsecm.com:8443/x',
  'a user': 'spiffe://me@vsecm.com/x',
  'a query': 'spiffe://vsecm.com/x?y',
  'a fragment': 'spiffe://vsecm.com/x#y',
  'a percent sign': 'spiffe://vsecm.com/%77orkload',
  'a trailing slash': 'spiffe://vsecm.com/x/',
  'a slash and no path': 'spiffe://vsecm.com/',
  'an empty segment': 'spiffe://vsecm.com/x//y',
  'a dot segment': 'spiffe://vsecm.com/x/./y',
  'a dot-dot segment': 'spiffe://vsecm.com/../y',
  'a line feed at the end': 'spiffe://vsecm.com/x\n',
  'a space before': ' spiffe://vsecm.com/x',
  'a letter that is not ASCII': 'spiffe://vsecm.com/é',
  'more than 255 bytes of trust domain': `spiffe://${'t'.repeat(256)}/x`,
  'more than 2048 bytes': `spiffe://td/${'p'.repeat(2037)}`,
};

for (const [what, text] of Object.entries(BAD_IDS)) {
  test(`a SPIFFE ID with ${what} is refused`, () => {
    assert.throws(() => parseSpiffeId(text), MalformedError);
  });
}

test('the workload name is what follows /workload/, and nothing else', () => {
  const nameOf = (path: string) => workloadName(parseSpiffeId(`spiffe://vsecm.com${path}`));
  assert.equal(nameOf('/workload/vsecm-scout/ns/a/sa/b/n/c'), 'vsecm-scout');
  assert.equal(nameOf('/workload/vsecm-scout'), 'vsecm-scout');
  assert.equal(nameOf('/workload'), undefined);
  assert.equal(nameOf(''), undefined);
  assert.equal(nameOf('/ns/workload/vsecm-scout'), undefined);
  assert.equal(nameOf('/workload/other/workload/vsecm-scout'), 'other');
  assert.equal(nameOf('/workload/vsecm-scout2'), 'vsecm-scout2');
});

test('a socket address is a Unix path or an IP address with a port', () => {
  assert.deepEqual(parseSocketAddress('unix:///spire-agent-socket/spire-agent.sock'), {
    path: '/spire-agent-socket/spire-agent.sock',
  });
  assert.deepEqual(parseSocketAddress('unix:///a b%20c'), { path: '/a b%20c' });
  assert.deepEqual(parseSocketAddress('tcp://127.0.0.1:8081'), { host: '127.0.0.1', port: 8081 });
  assert.deepEqual(parseSocketAddress('tcp://[::1]:65535'), { host: '::1', port: 65_535 });
});

for (const text of [
  '',
  '/spire-agent.sock',
  'unix:spire-agent.sock',
  'unix:/spire-agent.sock',
  'unix://spire-agent.sock',
  'unix://host/spire-agent.sock',
  'unix://me@/spire-agent.sock',
  'unix:///',
  'unix:///spire-agent.sock?x=y',
  'unix:///spire-agent.sock#x',
  'unix:///spire\0agent.sock',
  'UNIX:///spire-agent.sock',
  'tcp://localhost:8081',
  'tcp://127.0.0.1',
  'tcp://127.0.0.1:0',
  'tcp://127.0.0.1:65536',
  'tcp://127.0.0.1:8081/path',
  'tcp://127.0.0.1:8081?x=y',
  'tcp://me@127.0.0.1:8081',
  'tcp://::1:8081',
  'tcp://999.0.0.1:8081',
  'tcp:127.0.0.1:8081',
  'http://127.0.0.1:8081',
]) {
  test(`the socket address ${JSON.stringify(text)} is refused`, () => {
    assert.throws(() => parseSocketAddress(text), MalformedError);
  });
}
