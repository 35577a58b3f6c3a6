import assert from 'node:assert/strict';
import { test } from 'node:test';
import { normaliseSafeUrl, parseSafeUrls, SafeEndpoints } from '../../agent/safe/endpoint.ts';

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
    assert.equal(new SafeEndpoints({ defaultUrl: DEFAULT, allowed: [] }).resolve(text), undefined);
  });
}

test('a URL without a path is asked for the secrets, one with a path as it is', () => {
  assert.deepEqual(parseSafeUrls(' https://vsecm.example.com/  https://path/to/vsecm/safe/api/endpoint '), [
    { url: 'https://vsecm.example.com', dial: 'https://vsecm.example.com/workload/v1/secrets' },
    { url: 'https://path/to/vsecm/safe/api/endpoint', dial: 'https://path/to/vsecm/safe/api/endpoint' },
  ]);
});

test('what stands after the last =https:// is asked instead, its path too', () => {
  assert.deepEqual(parseSafeUrls('https://host/x=https://y=https://127.0.0.1:8443 https://b=https://c/d'), [
    { url: 'https://host/x=https://y', dial: 'https://127.0.0.1:8443/workload/v1/secrets' },
    { url: 'https://b', dial: 'https://c/d' },
  ]);
});

test('no URL at all is no URL', () => assert.deepEqual(parseSafeUrls('  '), []));

test('a list says which entry is wrong and does not quote it', () => {
  assert.throws(() => parseSafeUrls('https://a https://u:pa55@b'), { message: 'URL 2 has user info' });
  assert.throws(() => parseSafeUrls('https://a=http://b'), /URL 1/);
  assert.throws(() => parseSafeUrls('https://a https://A/'), { message: 'URL 2 is there twice' });
  assert.throws(() => parseSafeUrls(Array.from({ length: 9 }, (_, i) => `https://h${i}`).join(' ')), {
    message: 'more than 8 URLs',
  });
  assert.equal(parseSafeUrls(Array.from({ length: 8 }, (_, i) => `https://h${i}`).join(' ')).length, 8);
});

const endpoints = new SafeEndpoints({
  defaultUrl: DEFAULT,
  allowed: parseSafeUrls('https://vsecm.example.com=https://127.0.0.1:1 https://other/p'),
});
const own = {
  url: 'https://vsecm-safe.vsecm-system.svc.cluster.local:8443',
  dial: 'https://vsecm-safe.vsecm-system.svc.cluster.local:8443/workload/v1/secrets',
};

test('a resource that names no Safe, or names the default one, gets the default one', () => {
  assert.deepEqual(endpoints.resolve(undefined), own);
  assert.deepEqual(endpoints.resolve('https://VSECM-safe.vsecm-system.svc.cluster.local:8443'), own);
});

test('any other URL must be allowed, exactly but for spelling', () => {
  assert.deepEqual(endpoints.resolve('https://VSECM.example.com/'), {
    url: 'https://vsecm.example.com',
    dial: 'https://127.0.0.1:1/workload/v1/secrets',
  });
  assert.deepEqual(endpoints.resolve('https://other/p')?.dial, 'https://other/p');
  for (const url of [
    'https://other',
    'https://other/p/',
    'https://other/p/x',
    'https://other:8443/p',
    'https://vsecm.example.com.evil',
    'https://evil',
    'https://127.0.0.1:1',
  ]) {
    assert.equal(endpoints.resolve(url), undefined, url);
  }
});

test("an entry for the default's own URL decides where that one is asked", () => {
  const mapped = new SafeEndpoints({
    defaultUrl: DEFAULT,
    allowed: parseSafeUrls(`${own.url}=https://127.0.0.1:1/x`),
  });
  assert.equal(mapped.resolve(undefined)?.dial, 'https://127.0.0.1:1/x');
});
