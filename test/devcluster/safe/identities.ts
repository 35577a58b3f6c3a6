/** SPIFFE ID of one of VSecM's own components, as its chart gives it. */
export const componentId = (trustDomain: string, component: string, pod = `${component}-0`): string =>
  `spiffe://${trustDomain}/workload/${component}/ns/vsecm-system/sa/${component}/n/${pod}`;

const SHAPE = /^spiffe:\/\/([^/]+)\/workload\/([^/]+)\/ns\/([^/]+)\/sa\/([^/]+)\/n\/[^/]+$/;

/** What a peer may do; `undefined` if its ID is not a workload's, so that the handshake fails. */
export function authorise(
  spiffeId: string,
  trustDomain: string,
): { workload: string; mayRead: boolean; mayPost: boolean; mayDelete: boolean } | undefined {
  const match = SHAPE.exec(spiffeId);
  if (!match || match[1] !== trustDomain) return undefined;
  const [workload, namespace, account] = match.slice(2) as [string, string, string];
  const own = namespace === 'vsecm-system' && account === workload;
  const sentinel = workload === 'vsecm-sentinel' && own;
  return {
    workload,
    mayRead: workload !== 'vsecm-sentinel' && workload !== 'vsecm-safe',
    mayPost: sentinel || (workload === 'vsecm-scout' && own),
    mayDelete: sentinel,
  };
}
