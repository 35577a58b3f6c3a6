import { DEFAULT_PAGE_PORT } from '../api/state.ts';
import type { RawPod } from './cluster.ts';

/** What the commands need to know of how the agents are set up. */
export interface Settings {
  /** The Service whose endpoints share the work; '': each agent serves all namespaces. */
  service: string;
  /** 0: no limit. */
  maxOwners: number;
  pagePort: number;
  /** The Safe of resources that name none. */
  safeUrl: string;
}

/** As an agent has them whose environment says nothing. */
export const DEFAULT_SETTINGS: Settings = {
  service: 'vsecm-agent',
  maxOwners: 16,
  pagePort: DEFAULT_PAGE_PORT,
  safeUrl: 'https://vsecm-safe.vsecm-system.svc.cluster.local:8443/',
};

/** The settings in a pod's environment. Values from elsewhere (`valueFrom`) cannot be seen and count as not set. */
export function settingsOf(pod: RawPod): Settings {
  const container = pod.spec?.containers?.find(({ name }) => name === 'agent');
  const read = (name: string): string | undefined => {
    const entry = container?.env?.find((one) => one.name === name);
    return entry && (entry.value ?? '');
  };
  const number = (name: string, fallback: number): number => {
    const text = read(name) ?? '';
    return /^[0-9]{1,5}$/.test(text) ? Number(text) : fallback;
  };
  return {
    service: read('VSECM_AGENT_SERVICE') ?? DEFAULT_SETTINGS.service,
    maxOwners: number('VSECM_AGENT_MAX_OWNERS', DEFAULT_SETTINGS.maxOwners),
    pagePort: number('VSECM_AGENT_PAGE_PORT', DEFAULT_SETTINGS.pagePort),
    safeUrl: read('VSECM_SAFE_ENDPOINT_URL') || DEFAULT_SETTINGS.safeUrl,
  };
}
