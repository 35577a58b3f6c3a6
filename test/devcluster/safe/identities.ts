/** SPIFFE ID of one of VSecM's own components, as its chart gives it. */
export const componentId = (trustDomain: string, component: string, pod = `${component}-0`): string =>
  `spiffe://${trustDomain}/workload/${component}/ns/vsecm-system/sa/${component}/n/${pod}`;

/** The two variables of Safe that decide whose requests it takes. */
export interface WorkloadPatterns {
  /** `VSECM_SPIFFEID_PREFIX_WORKLOAD`: must begin with `^spiffe://ITS_OWN_TRUST_DOMAIN/`, and may go on with alternatives. */
  prefix: string;
  /** `VSECM_WORKLOAD_NAME_REGEXP`: its first group is the workload's name. */
  name: string;
}

/** The defaults in a trust domain. */
export const defaultPatterns = (trustDomain: string): WorkloadPatterns => ({
  prefix: `^spiffe://${trustDomain}/workload/[^/]+/ns/[^/]+/sa/[^/]+/n/[^/]+$`,
  name: `^spiffe://${trustDomain}/workload/([^/]+)/ns/[^/]+/sa/[^/]+/n/[^/]+$`,
});

/** What lets in the agents of another trust domain, as a person would set it on Safe. */
export function patternsFor(trustDomain: string, foreign: string): WorkloadPatterns {
  const [own, other] = [trustDomain, foreign].map((name) => name.replaceAll('.', '\\.'));
  const rest = 'ns/[^/]+/sa/[^/]+/n/[^/]+$';
  return {
    prefix: `^spiffe://${trustDomain}/workload/[^/]+/${rest}|^spiffe://${other}/workload/vsecm-scout/ns/vsecm-agent/sa/vsecm-agent/n/[^/]+$`,
    name: `^spiffe://(?:${own}|${other})/workload/([^/]+)/${rest}`,
  };
}

const PLACE = /\/ns\/([^/]+)\/sa\/([^/]+)\/n\/[^/]+$/;

/** What a peer may do; `undefined` if its ID is not a workload's, so that the handshake fails. */
export function authorise(
  spiffeId: string,
  trustDomain: string,
  { prefix, name }: WorkloadPatterns = defaultPatterns(trustDomain),
): { workload: string; mayRead: boolean; mayPost: boolean; mayDelete: boolean } | undefined {
  const workload = new RegExp(name).exec(spiffeId)?.[1];
  if (workload === undefined || !new RegExp(prefix).test(spiffeId)) return undefined;
  const [, namespace, account] = PLACE.exec(spiffeId) ?? [];
  const home = spiffeId.startsWith(`spiffe://${trustDomain}/`);
  const own = home && namespace === 'vsecm-system' && account === workload;
  const sentinel = workload === 'vsecm-sentinel' && own;
  return {
    workload,
    mayRead: workload !== 'vsecm-sentinel' && workload !== 'vsecm-safe',
    mayPost: sentinel || (workload === 'vsecm-scout' && own),
    mayDelete: sentinel,
  };
}
