import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dialOf, normaliseSafeUrl } from '../../agent/safe/url.ts';

const DEFAULT = 'https://vsecm-safe.vsecm-system.svc.cluster.local:8443/';

const spellings: [string, string][] = [
  [DEFAULT, 'https://vsecm-safe.vsecm-system.svc.cluster.local:8443'],
  ['HTTPS://VSecM.Example.com', 'https://vsecm.example.com'],
  ['https://vsecm.example.com:443/', 'https://vsecm.example.com'],
  ['https://path/to/vsecm/safe/api/endpoint', 'https://path/to/vsecm/safe/api/endpoint'],
  ['https://host/a/../b', 'https://host/b'],
  ['https://host/a/', 'https://host/a/'],
  ['https://[::1]:8443', 'https://[::1]:8443'],
];
for (const [text, normalised] of spellings) {
  test(`${text} is spelled ${normalised}`, () => assert.equal(normaliseSafeUrl(text), normalised));
}

const wrong: [string, RegExp][] = [
  ['http://host', /https/],
  ['host', /https/],
  ['', /https/],
  ['https://', /https/],
  ['https:///host', /https/],
  ['https:host', /https/],
  ['https://user:pa55@host', /user info/],
  ['https://user@host/x', /user info/],
  ['https://host?a=b', /query/],
  ['https://host/?', /query/],
  ['https://host/#x', /fragment/],
  ['https://ho st', /space/],
  ['https://host\\@evil', /backslash/],
  ['https://ho\tst', /control|space/],
  ['https://host:99999', /not a URL/],
  ['https://a%00b', /not a URL/],
];
for (const [text, complaint] of wrong) {
  test(`${JSON.stringify(text)} is refused`, () => {
    assert.throws(
      () => normaliseSafeUrl(text),
      (error) => complaint.test((error as Error).message) && !(error as Error).message.includes('pa55'),
    );
  });
}

test('a URL without a path is asked for the secrets, one with a path as it is', () => {
  assert.equal(dialOf('https://vsecm.example.com'), 'https://vsecm.example.com/workload/v1/secrets');
  assert.equal(dialOf('https://path/to/vsecm/safe/api/endpoint'), 'https://path/to/vsecm/safe/api/endpoint');
});
