import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { filled } from '../api/spec-cases.ts';
import type { AgentProcess } from '../stage/agents.ts';
import { vss } from '../stage/scene.ts';
import type { Stage } from '../stage/stage.ts';

const NAMESPACE = 'evil';

/** What somebody hostile has: a namespace in which they may make VSecMSecrets, a Safe that registers for it, a pod. */
export interface Ground {
  readonly stage: Stage;
  readonly agent: AgentProcess;
}

/** Begins; the result ends what goes on by itself. */
export type Attack = (ground: Ground) => Promise<void | (() => void)>;

const register = ({ stage }: Ground, name: string, value: string, format?: 'yaml'): Promise<unknown> =>
  stage.safe.register({ name: `raw:${name}`, value, namespaces: [NAMESPACE], ...(format && { format }) });
async function make(
  { stage }: Ground,
  prefix: string,
  count: number,
  spec: (index: number) => object,
  metadata: object = {},
): Promise<void> {
  for (let index = 0; index < count; index++)
    await stage.cluster.apply(vss(`${prefix}-${index}`, spec(index), metadata), NAMESPACE);
}
const refs = (count: number, ref: (index: number) => string) => ({
  refreshInterval: '10s',
  data: Array.from({ length: count }, (_, index) => ({ key: `k${index}`, ref: ref(index) })),
});
/** As many refs of the largest length as the CRD admits, all alike in length. */
const longest = (ref: (index: number) => string) => refs(32, ref);

export const ATTACKS: Readonly<Record<string, Attack>> = {
  'copies of a secret of 2 MiB, 256 in each of ten resources': async (ground) => {
    await register(ground, 'blob', 'x'.repeat(2 * 1024 * 1024));
    await register(ground, 'half', 'x'.repeat(512 * 1024));
    await make(ground, 'copies', 5, () => refs(256, () => 'blob'));
    await make(ground, 'halves', 5, (index) => ({
      ...refs(256, () => 'half'),
      dataFrom: [{ ref: `half.${index}` }],
    }));
  },
  '200 suspended resources of the largest size, with 250 KB of annotation': async (ground) => {
    const annotations = { 'vsecm.com/refresh': '\u001b[2J'.padEnd(250_000, 'r') };
    await make(ground, 'suspended', 200, () => ({ suspend: true, ...filled(32_768) }), { annotations });
  },
  'refs of five hundred parts over names of five hundred parts': async (ground) => {
    const leaf = Array(470).fill('a').join('.');
    let node: object = { [leaf]: 'v' };
    for (let depth = 0; depth < 38; depth++) node = { a: node };
    await register(ground, 'chain', JSON.stringify(node));
    const ref = `chain${'.a'.repeat(38)}.${leaf}`;
    await make(ground, 'chain', 40, () => longest((index) => (index === 31 ? 'nope' : ref)));
    let inner: Record<string, unknown> = {};
    const ladder = inner;
    for (let depth = 0; depth < 50; depth++) {
      for (let parts = 2; parts < 60; parts++) inner[Array(parts).fill('a').join('.')] = {};
      inner = inner['a'] = {};
    }
    await register(ground, 'ladder', JSON.stringify(ladder));
    await make(ground, 'ladder', 20, () => longest((index) => `ladder${'.a'.repeat(100 + index)}`));
  },
  'documents of the largest size, searched by every ref': async (ground) => {
    const people = Array.from({ length: 6_600 }, (_, index) => ({ n: `${index}`, v: '1' }));
    for (let index = 0; index < 6; index++) await register(ground, `people${index}`, JSON.stringify(people));
    const search = (index: number): string => `$.people${index % 6}[?(@.n=='${6_599 - index}')].v`;
    await make(ground, 'search', 20, () => refs(256, search));
    await register(ground, 'yaml', '- a\n'.repeat(16_000), 'yaml');
    await make(ground, 'yaml', 20, (index) => refs(256, (ref) => `yaml.${ref}${index}`));
    await register(ground, 'lists', `[${Array(100_000).fill('[]').join(',')}]`);
    await make(ground, 'lists', 20, () => refs(256, (ref) => `lists.${ref}`));
    await register(ground, 'deep', '['.repeat(300_000));
    await make(ground, 'deep', 20, () => refs(256, (ref) => `deep.${ref}`));
  },
  'objects of many members, by many refs': async (ground) => {
    const members = Object.fromEntries(Array.from({ length: 9_000 }, (_, index) => [`m${index}`, '']));
    await register(ground, 'members', JSON.stringify({ a: members }));
    const from = Array.from({ length: 60 }, (_, index) => ({
      ref: index % 2 ? `members.${'a'.repeat(index + 1)}` : `$['members']${'.a'.repeat(index / 2 + 1)}`,
    }));
    await make(ground, 'members', 10, () => ({
      refreshInterval: '10s',
      dataFrom: [...from, { ref: 'members.a' }],
    }));
  },
  'pipelined requests that nobody reads': async ({ agent }) => {
    const port = await agent.port();
    const request = 'GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(3_000);
    return repeatedly(port, 8, (send) => send(request));
  },
  'connections that say nothing, thousands of them': async ({ agent }) => {
    const port = await agent.port();
    return repeatedly(port, 200, (send) => send('GET /'));
  },
  'everybody asks for the state of all': async (ground) => {
    const { agent } = ground;
    await make(ground, 'state', 40, () => longest((index) => `a${'.a'.repeat(500)}z${index}`));
    const line = await agent.log.when(({ msg }) => msg === 'Agent started');
    const url = `http://127.0.0.1:${line['pagePort'] as number}`;
    const end = new AbortController();
    const ask = async (path: string): Promise<void> => {
      while (!end.signal.aborted)
        await fetch(`${url}${path}`, { signal: end.signal })
          .then((answer) => answer.text())
          .catch(() => sleep(100));
    };
    for (const path of ['/', '/state.json', '/state.json?namespace=evil&name=state-1']) void ask(path);
    return () => end.abort();
  },
};

/** Keeps connections open that send something; what is closed is opened again. */
function repeatedly(port: number, count: number, say: (send: (text: string) => void) => void): () => void {
  let ended = false;
  const sockets = new Set<ReturnType<typeof connect>>();
  const open = (): void => {
    if (ended) return;
    const socket = connect(port, '127.0.0.1');
    sockets.add(socket);
    socket.pause().on('error', () => {});
    socket.on('connect', () => say((text) => socket.write(text)));
    socket.on('close', () => {
      sockets.delete(socket);
      setTimeout(open, 1_000).unref();
    });
  };
  for (let index = 0; index < count; index++) open();
  return () => {
    ended = true;
    for (const socket of sockets) socket.destroy();
  };
}
