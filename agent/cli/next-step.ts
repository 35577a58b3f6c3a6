import { stageOf, type Code } from '../api/reasons.ts';
import type { VSecMSecretStatus } from '../api/vsecmsecret.ts';
import { span } from './age.ts';

/** What decides on the next step of a resource. */
export interface Situation {
  suspended: boolean;
  deleting: boolean;
  /** The status is about an older generation, or there is none. */
  unseen: boolean;
  failure: VSecMSecretStatus['failure'];
  /** Milliseconds; undefined if the spec does not parse. */
  refreshIntervalMs: number | undefined;
  /** How the resource is named on a command line: `NAME -n NAMESPACE`. */
  named: string;
}

/** Failures that the agent looks at again as long as they last, with all others of the same Safe. */
const LOOKED_FOR: readonly Code[] = [
  'UnnamedSecret',
  'UnprovenAnswer',
  'NotGranted',
  'RefNotFound',
  'RefIsNull',
  'TemplateFailed',
  'RefInvalid',
];

/** What the agent will do by itself, and when, as far as the API objects tell. */
export function nextStep(situation: Situation): string {
  const { suspended, deleting, unseen, failure, refreshIntervalMs: interval, named } = situation;
  if (deleting) return 'nothing: the resource is being deleted';
  if (suspended) return 'nothing until spec.suspend is false or gone';
  if (unseen) return 'the agent has not looked at this version yet; it does so within seconds of seeing it';
  if (failure !== undefined) return afterFailure(failure.code, interval, named);
  if (interval === 0)
    return 'nothing until the resource, its Secret or a refresh asks for it (refreshInterval 0s)';
  return `Safe is asked again within ${span(interval ?? 3_600_000)} (refreshInterval); the Secret is written if something changed`;
}

function afterFailure(code: Code, interval: number | undefined, named: string): string {
  const now = `at once: kubectl vsecm refresh ${named}`;
  if (LOOKED_FOR.includes(code))
    return `the agent asks Safe again by itself, after 5s at first and 5m at most; ${now}`;
  switch (code) {
    case 'NotYetValid':
      return `the agent looks again when the secret becomes valid; ${now}`;
    case 'WriteForbidden':
      return `the agent tries again every 5m; ${now}`;
    case 'ApiUnavailable':
      return 'the agent tries again within seconds, for as long as it lasts';
    default:
  }
  switch (stageOf(code)) {
    case 'spec':
      return 'nothing until the resource changes';
    case 'identity':
      return 'the agent asks Safe as soon as SPIRE gives it an identity';
    case 'connect':
    case 'fetch':
      return `the agent asks this Safe again by itself, after 5m at most; the Secret stays as it is; ${now}`;
    default:
  }
  const later = interval === 0 ? '' : ` or after ${span(interval ?? 3_600_000)} (refreshInterval)`;
  return `the agent looks again when the resource changes${later}; ${now}`;
}
