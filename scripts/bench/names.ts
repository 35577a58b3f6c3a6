const LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** The name number `i` of a series, as people and tools make them; `of` tells series of a kind apart. */
const KINDS: ((i: number, of: number) => string)[] = [
  (i, of) => `preview-pr-${1000 * (of + 1) + i}`,
  (i, of) => `team${of || ''}-${String(i).padStart(3, '0')}`,
  (i, of) => `tenant-${of}-${LETTERS[Math.floor(i / 36) % 36]}${LETTERS[i % 36]}`,
  (i, of) => `${i}-production-environment-${of}`,
  (i, of) => `${pseudoRandom(i * 7919 + of)}-${pseudoRandom(i + of * 104729)}`,
];

/** Names of namespaces, all but a fifth of the sets sequential; the first 1,000 of a set are distinct. */
export const namespaceNames = (set: number, count: number): string[] =>
  Array.from({ length: count }, (_, i) => KINDS[set % KINDS.length]!(i, Math.floor(set / KINDS.length)));

/** Names of nodes as several clouds give them. */
export const nodeNames = (set: number, count: number): string[] =>
  Array.from({ length: count }, (_, i) => {
    if (set % 3 === 0) return `node-${set}-${i}`;
    if (set % 3 === 1) return `ip-10-${set % 256}-${i >> 8}-${i & 255}.eu-west-1.compute.internal`;
    return `gke-prod-pool-${set}-7b3a91c2-${LETTERS[i % 36]}${LETTERS[Math.floor(i / 36) % 36]}${i}`;
  });

/** Some letters without a pattern, the same at each run; not the hash that is measured. */
const pseudoRandom = (seed: number): string =>
  (Math.abs(Math.sin(seed + 1)) * 36 ** 6).toString(36).slice(0, 6);
