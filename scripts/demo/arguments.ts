/** What the command line asks for. */
export interface Arguments {
  /** On the real kube-apiserver instead of the development one. */
  envtest: boolean;
  /** Leave everything running after the story. */
  keep: boolean;
  help: boolean;
}

export const HELP = `The VSecM agent at work on three nodes, in about a minute.

Usage: npm run demo -- [--envtest] [--keep]

  --envtest  the same story on the real kube-apiserver, with etcd: from KUBEBUILDER_ASSETS if that is set,
             else built with Go (minutes the first time, then from a cache)
  --keep     leave everything running afterwards, print how to reach it, and follow the agents' logs; Ctrl-C ends it
  --help     this text

Needs Node and npm, nothing else: the Kubernetes API server, SPIRE and VSecM Safe are stand-ins that speak the
real protocols on loopback. Exits with 0 if every step was seen to happen, 1 if one was not, 130 after Ctrl-C.
Colours only on a terminal; NO_COLOR switches them off.
`;

const FLAGS = ['envtest', 'keep', 'help'] as const;

/** @throws Error for a flag that is not known */
export function parseArguments(args: readonly string[]): Arguments {
  const parsed: Arguments = { envtest: false, keep: false, help: false };
  for (const arg of args) {
    const flag = arg === '-h' ? 'help' : FLAGS.find((name) => arg === `--${name}`);
    if (flag === undefined) throw new Error(`unknown argument ${JSON.stringify(arg)}; try --help`);
    parsed[flag] = true;
  }
  return parsed;
}
