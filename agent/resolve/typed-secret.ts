import { missingKey } from '../api/secret-type.ts';
import { Failure } from '../api/reasons.ts';
import { JsonError, readJson } from './json.ts';
import { isObject } from './node.ts';
import { refuseValue } from './value.ts';

const TYPE = 'spec.target.type';

/**
 * Throws `ValueInvalid` where the API server would refuse the data for the type of the Secret (seen on
 * kube-apiserver 1.37): a key that is missing, an empty SSH key, a Docker configuration that is no JSON object.
 */
export function checkType(type: string | undefined, data: ReadonlyMap<string, Uint8Array>): void {
  const missing = missingKey(type, data);
  if (missing !== undefined) {
    throw new Failure(
      'ValueInvalid',
      `${TYPE}: ${type} demands the key ${missing}, which neither data nor an object of dataFrom gives`,
    );
  }
  switch (type) {
    case 'kubernetes.io/ssh-auth':
      if (data.get('ssh-privatekey')!.length === 0)
        refuseValue(TYPE, 'ssh-privatekey', `it is empty, and ${type} demands a key`);
      break;
    case 'kubernetes.io/dockerconfigjson':
      return checkJson(type, '.dockerconfigjson', data);
    case 'kubernetes.io/dockercfg':
      return checkJson(type, '.dockercfg', data);
  }
}

function checkJson(type: string, key: string, data: ReadonlyMap<string, Uint8Array>): void {
  if (!isJsonObject(Buffer.from(data.get(key)!).toString()))
    refuseValue(TYPE, key, `it is no JSON object, which ${type} demands`);
}

function isJsonObject(text: string): boolean {
  try {
    const node = readJson(text);
    return isObject(node) || node === null;
  } catch (error) {
    // Deeper or larger than the agent looks is still JSON; the API server may judge that.
    return error instanceof JsonError && error.code !== 'NotJson';
  }
}
