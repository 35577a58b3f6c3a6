/** Who plays a command of the pages. */
export interface Player {
  command: RegExp;
  /** A file, and what in it shows that it does. */
  by?: [file: string, shows: string];
  /** Or: a person, and why nothing here can. */
  person?: string;
}

const OTHERS = 'runs on a cluster with VSecM and SPIRE';
const KUBELET = 'needs a kubelet';

/** Each command in the shell blocks of README, CONTRIBUTING and docs/. The first that fits counts. */
export const PLAYERS: readonly Player[] = [
  { command: /^git clone REPOSITORY /, person: 'the repository has many places' },
  { command: /^npm run demo\b/, by: ['test/long/demo.test.ts', 'DemoProcess.start'] },
  { command: /^npm test\b/, by: ['.ci/run', 'npm test'] },
  {
    command: /^(VSECM_TEST_CLUSTER=dev )?npm run bench\b/,
    by: ['test/scripts/bench.test.ts', 'measure(TINY'],
  },
  { command: /^npm run docs$/, by: ['test/docs/documentation.test.ts', 'renderReference('] },
  { command: /^npm run (format|lint|check)$/, by: ['scripts/test.ts', "'oxfmt', ['--check']"] },
  { command: /^npm run build$/, by: ['Dockerfile', 'RUN npm run build'] },
  { command: /^docker build /, by: ['.github/workflows/ci.yml', 'run: docker build'] },
  { command: /^docker push /, person: 'needs a registry' },
  { command: /^install dist\/kubectl-vsecm /, person: 'changes the machine' },
  {
    command: /^kubectl logs .*\| node dist\/agent\.js --pretty -$/,
    by: ['test/agent/pretty.test.ts', "'--pretty', '-'"],
  },
  {
    command: /^kubectl exec -n vsecm-system deploy\/vsecm-sentinel -- safe /,
    by: ['test/docs/documentation.ts', "split(' -- safe ')"],
  },
  {
    command: /^(PLACEHOLDER=|printf %s "\$PLACEHOLDER")/,
    by: ['test/real/documented.test.ts', 'PLACEHOLDER'],
  },
  { command: /^kubectl apply -k daemonset$/, by: ['test/real/manifests.test.ts', "'apply', '-k', SHIPPED"] },
  { command: /^kubectl rollout status /, person: KUBELET },
  { command: /^kubectl logs /, person: KUBELET },
  { command: /^kubectl port-forward /, person: KUBELET },
  {
    command: /^kubectl (get|describe|annotate) vss /,
    by: ['test/real/documented.test.ts', 'get|describe|annotate'],
  },
  {
    command: /^kubectl delete clusterrolebinding,clusterrole /,
    by: ['test/real/namespaced.test.ts', 'delete clusterrolebinding'],
  },
  {
    command: /^kubectl (delete|annotate crd|label secrets) /,
    by: ['test/real/uninstall.test.ts', "commandsOf('Uninstall')"],
  },
  { command: /^kubectl exec -n spire-server /, person: OTHERS },
  { command: /^kubectl patch clusterspiffeid vsecm-safe /, person: OTHERS },
  { command: /^kubectl set env -n vsecm-system /, person: OTHERS },
];
