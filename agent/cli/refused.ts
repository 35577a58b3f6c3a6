import { KubeError } from '../kube/error.ts';

/** What was asked of the API server, in the words of RBAC. */
export interface Asked {
  verb: string;
  /** As RBAC has it: `pods`, `pods/log`, `vsecmsecrets.vsecm.com`. */
  resource: string;
  namespace?: string | undefined;
  name?: string | undefined;
}

/** The API server did not do what was asked; the message says what that was, and what is missing. */
export class Refused extends Error {
  override readonly name = 'Refused';
  readonly asked: Asked;
  readonly status: number;
  /** Fields that the server complained about. */
  readonly fields: readonly string[];

  constructor(error: KubeError, asked: Asked) {
    super(explain(error, asked));
    this.asked = asked;
    this.status = error.status;
    this.fields = error.causes.map(({ field, reason }) => (field === '' ? reason : `${field} (${reason})`));
  }
}

/** Runs one request; whatever the API server has against it becomes `Refused`. */
export async function asking<T>(asked: Asked, request: () => Promise<T>): Promise<T> {
  try {
    return await request();
  } catch (error) {
    throw error instanceof KubeError ? new Refused(error, asked) : error;
  }
}

function explain({ status, reason, code }: KubeError, asked: Asked): string {
  const { verb, resource, namespace, name } = asked;
  const where = namespace === undefined ? 'in the whole cluster' : `in namespace ${namespace}`;
  const action = `${verb} ${resource}${name === undefined ? '' : ` ${name}`} ${where}`;
  if (status === 0) return `the API server does not answer (${code ?? 'Unknown'}): ${action}`;
  if (status === 401) return `the API server does not accept your credentials: ${action}`;
  if (status === 403)
    return `you are not allowed to ${verb} ${resource} ${where}: ask for a Role with that verb`;
  if (status === 404 && reason === '' && resource.endsWith('.vsecm.com'))
    return `this cluster does not know ${resource}: is the agent installed (kubectl apply -f daemonset)?`;
  if (status === 404) return `${resource}${name === undefined ? '' : ` ${name}`} not found ${where}`;
  return `the API server answered ${status}${reason === '' ? '' : ` ${reason}`}: ${action}`;
}

/** Why the cluster cannot be reached at all, for the codes of a kubeconfig. */
export function explainKubeconfig({ code }: KubeError): string {
  switch (code) {
    case 'ContextUnknown':
      return 'the kubeconfig has no such context: kubectl config get-contexts';
    case 'KubeconfigInvalid':
      return 'the kubeconfig cannot be used: it needs a current context with a cluster and a user (kubectl config view); proxies, passwords, auth-providers and impersonation beyond a user name are not supported';
    case 'ExecNotFound':
      return 'the kubeconfig names a command for signing in that is not installed: kubectl config view --minify tells which';
    case 'ExecFailed':
      return 'the command that the kubeconfig names for signing in failed; what it says stands above';
    case 'ExecMalformed':
      return 'the command that the kubeconfig names for signing in printed no credentials of the API version that it is asked for: is it too old?';
    case 'ExecNeedsTerminal':
      return 'the command that the kubeconfig names for signing in needs a terminal on standard input';
    default:
      return 'no kubeconfig can be read: name one with --kubeconfig or KUBECONFIG, and see that the files it names are there and not empty';
  }
}
