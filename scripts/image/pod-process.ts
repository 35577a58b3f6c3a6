import { posix } from 'node:path';
import type { Image } from './build-image.ts';
import { seccomp } from './seccomp.ts';

/** What the kubelet and the API server know of a pod beside its manifest. */
export interface Placement {
  node: string;
  pod: string;
  namespace: string;
  /** The API server, as the kubelet gives it to each container. */
  apiServer: { host: string; port: string };
  /** Folders and files of this machine by where the container has them, all read-only. */
  mounts: Readonly<Record<string, string>>;
}

/** As much of a pod's spec as decides how its process runs. */
export interface PodSpec {
  securityContext: { runAsUser: number; runAsGroup: number; seccompProfile: { type: string } };
  containers: [
    {
      command?: string[];
      args?: string[];
      env: { name: string; value?: string; valueFrom?: { fieldRef: { fieldPath: string } } }[];
      resources: { limits: { memory: string } };
      securityContext: {
        readOnlyRootFilesystem: boolean;
        allowPrivilegeEscalation: boolean;
        capabilities: { drop: string[] };
      };
    },
  ];
}

/**
 * `config.json` of an OCI runtime for the only container of a pod, from the image and the pod's spec, as a kubelet
 * and containerd make it: no environment but the image's, the manifest's and the kubelet's.
 *
 * The container shares the network of whoever starts it, and is PID 1, which is harder for it than
 * `shareProcessNamespace` is.
 */
export function ociConfig(
  image: Image,
  spec: PodSpec,
  { mounts, ...placement }: Placement,
  cgroup: string,
): object {
  const [container] = spec.containers;
  const { runAsUser, runAsGroup } = spec.securityContext;
  const { readOnlyRootFilesystem, allowPrivilegeEscalation, capabilities } = container.securityContext;
  if (String(capabilities.drop) !== 'ALL')
    throw new Error('what is left of the capabilities is not worked out');
  if (spec.securityContext.seccompProfile.type !== 'RuntimeDefault')
    throw new Error('no such seccomp profile');
  return {
    ociVersion: '1.0.2',
    hostname: placement.pod,
    root: { path: image.root, readonly: readOnlyRootFilesystem },
    process: {
      user: { uid: runAsUser, gid: runAsGroup },
      cwd: image.workdir,
      args: [...(container.command ?? image.entrypoint), ...(container.args ?? [])],
      env: Object.entries(environment(image, container, placement)).map(
        ([name, value]) => `${name}=${value}`,
      ),
      capabilities: { bounding: [], effective: [], inheritable: [], permitted: [], ambient: [] },
      noNewPrivileges: !allowPrivilegeEscalation,
      rlimits: [],
    },
    mounts: [...SYSTEM, ...Object.entries(mounts).map(bind)],
    linux: {
      cgroupsPath: cgroup,
      resources: {
        devices: [{ allow: false, access: 'rwm' }],
        memory: { limit: bytes(container.resources.limits.memory) },
      },
      namespaces: ['pid', 'ipc', 'uts', 'mount'].map((type) => ({ type })),
      seccomp,
      maskedPaths: ['/proc/kcore', '/proc/keys', '/proc/timer_list', '/proc/scsi', '/sys/firmware'],
      readonlyPaths: ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'],
    },
  };
}

const SYSTEM = [
  { destination: '/proc', type: 'proc', source: 'proc' },
  { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755', 'size=65536k'] },
  { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
];

const bind = ([destination, source]: [string, string]): object => ({
  destination: posix.normalize(destination),
  type: 'bind',
  source,
  options: ['bind', 'ro', 'nosuid', 'nodev'],
});

/** Everything that the process finds in its environment. */
export function environment(
  image: Pick<Image, 'env'>,
  container: Pick<PodSpec['containers'][0], 'env'>,
  { node, pod, namespace, apiServer }: Omit<Placement, 'mounts'>,
): Record<string, string> {
  const fields: Record<string, string> = {
    'spec.nodeName': node,
    'metadata.name': pod,
    'metadata.namespace': namespace,
  };
  const declared = container.env.map(({ name, value, valueFrom }) => {
    // One without a value is empty.
    const found = valueFrom === undefined ? (value ?? '') : fields[valueFrom.fieldRef.fieldPath];
    if (found === undefined) throw new Error(`${name} of the manifest has no value here`);
    return [name, found];
  });
  return {
    ...image.env,
    HOSTNAME: pod,
    KUBERNETES_SERVICE_HOST: apiServer.host,
    KUBERNETES_SERVICE_PORT: apiServer.port,
    KUBERNETES_SERVICE_PORT_HTTPS: apiServer.port,
    KUBERNETES_PORT: `tcp://${apiServer.host}:${apiServer.port}`,
    ...Object.fromEntries(declared),
  };
}

function bytes(quantity: string): number {
  const [, mebibytes] = /^(\d+)Mi$/.exec(quantity) ?? [];
  if (mebibytes === undefined) throw new Error(`resources.limits.memory: read ${quantity}, wanted some Mi`);
  return Number(mebibytes) * 1024 * 1024;
}
