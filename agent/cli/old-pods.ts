import { shellWord } from '../api/shell-word.ts';

/** A pod, as much of it as tells whether it still has an old value of a Secret. */
export interface UsingPod {
  metadata: {
    name: string;
    deletionTimestamp?: string;
    labels?: Record<string, string>;
    ownerReferences?: { kind: string; name: string; controller?: boolean }[];
  };
  spec?: {
    containers?: Container[];
    initContainers?: Container[];
    volumes?: {
      name: string;
      secret?: { secretName?: string };
      projected?: { sources?: { secret?: { name?: string } }[] };
    }[];
  };
  status?: {
    phase?: string;
    containerStatuses?: ContainerStatus[];
    initContainerStatuses?: ContainerStatus[];
  };
}

interface Container {
  name: string;
  env?: { valueFrom?: { secretKeyRef?: { name?: string } } }[];
  envFrom?: { secretRef?: { name?: string } }[];
  volumeMounts?: { name: string; subPath?: string; subPathExpr?: string }[];
}

interface ContainerStatus {
  name: string;
  state?: { running?: { startedAt?: string } };
}

/** Pods of one workload that run with a value of before. */
export interface OldPods {
  /** As `kind/name`; of a pod without a controller that restarts it, the pod itself. */
  workload: string;
  pods: string[];
  /** What replaces them. */
  command: string;
}

/**
 * The pods of a namespace in which a container runs that takes a Secret by env or subPath, and was started before the
 * Secret was last written: what it has does not follow. (A volume without subPath does.)
 * @param writtenAt RFC 3339, in whole seconds as the starts of containers
 */
export function oldPods(
  pods: readonly UsingPod[],
  { namespace, secret, writtenAt }: { namespace: string; secret: string; writtenAt: string },
): OldPods[] {
  const found = new Map<string, OldPods>();
  for (const pod of pods) {
    if (pod.metadata.deletionTimestamp !== undefined || !holdsOld(pod, secret, Date.parse(writtenAt)))
      continue;
    const workload = workloadOf(pod);
    const verb = workload.startsWith('pod/') ? 'delete' : 'rollout restart';
    const command = `kubectl ${verb} ${shellWord(workload)} -n ${shellWord(namespace)}`;
    const old = found.get(workload) ?? { workload, pods: [], command };
    found.set(workload, old);
    old.pods.push(pod.metadata.name);
  }
  return [...found.values()];
}

function holdsOld({ spec = {}, status = {} }: UsingPod, secret: string, writtenAt: number): boolean {
  const volumes = new Set(
    (spec.volumes ?? [])
      .filter(
        ({ secret: one, projected }) =>
          one?.secretName === secret || projected?.sources?.some((source) => source.secret?.name === secret),
      )
      .map(({ name }) => name),
  );
  const takes = ({ env = [], envFrom = [], volumeMounts = [] }: Container): boolean =>
    env.some(({ valueFrom }) => valueFrom?.secretKeyRef?.name === secret) ||
    envFrom.some(({ secretRef }) => secretRef?.name === secret) ||
    volumeMounts.some((mount) => volumes.has(mount.name) && (mount.subPath || mount.subPathExpr));
  const statuses = [...(status.containerStatuses ?? []), ...(status.initContainerStatuses ?? [])];
  return [...(spec.containers ?? []), ...(spec.initContainers ?? [])].some((container) => {
    const started = statuses.find(({ name }) => name === container.name)?.state?.running?.startedAt;
    return started !== undefined && Date.parse(started) < writtenAt && takes(container);
  });
}

/** Whom `kubectl rollout restart` restarts; a Deployment by the name of its ReplicaSet. */
function workloadOf({ metadata: { name, labels = {}, ownerReferences = [] } }: UsingPod): string {
  const owner = ownerReferences.find(({ controller }) => controller === true);
  const hash = labels['pod-template-hash'];
  if (owner?.kind === 'ReplicaSet' && hash !== undefined && owner.name.endsWith(`-${hash}`))
    return `deployment/${owner.name.slice(0, -hash.length - 1)}`;
  return owner?.kind === 'StatefulSet' || owner?.kind === 'DaemonSet'
    ? `${owner.kind.toLowerCase()}/${owner.name}`
    : `pod/${name}`;
}
