/**
 * How names become numbers. Both functions give 32-bit integers of either sign; agents that disagree on
 * them disagree on owners, so a change here moves every namespace once.
 */
export interface Hash {
  /** Of one name: a node or a namespace. */
  name(text: string): number;
  /** The weight of a node for a namespace, from the numbers of both: the heaviest node owns the namespace. */
  weight(node: number, namespace: number): number;
}

/**
 * FNV-1a spreads names, MurmurHash3's finalizer spreads its numbers: FNV-1a alone leaves names that differ
 * in their last characters close together, which is how ranges over it put 100 names `preview-pr-1000…1099`
 * on one of three nodes.
 */
export const defaultHash: Hash = {
  name: (text) => fmix32(fnv1a(text)),
  weight: (node, namespace) => fmix32(node ^ namespace),
};

/** http://www.isthe.com/chongo/tech/comp/fnv/ over UTF-16 units; names of nodes and namespaces are ASCII. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash;
}

/** The finalizer of MurmurHash3: each bit of the input moves each bit of the output with probability 1/2. */
function fmix32(hash: number): number {
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
