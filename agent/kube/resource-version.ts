/**
 * Whether version `a` is older than `b`. Versions of kube-apiserver are etcd's revisions, decimal numbers beyond what
 * a double holds, and may be compared since Kubernetes 1.35 (KEP-5504). Of anything else nothing is known: false.
 */
export function isOlder(a: string, b: string): boolean {
  if (!DECIMAL.test(a) || !DECIMAL.test(b)) return false;
  return a.length === b.length ? a < b : a.length < b.length;
}

const DECIMAL = /^[1-9][0-9]{0,30}$/;
