import { textOf, type SecretObject } from './objects.ts';

/** As much of a Pod as matters to who reads Secrets in it. */
export interface PodObject {
  kind: string;
  metadata: { name: string };
  spec: {
    containers: {
      env?: { name: string; valueFrom: { secretKeyRef: { name: string; key: string } } }[];
      volumeMounts?: { name: string; mountPath: string }[];
    }[];
    volumes?: { name: string; secret: { secretName: string } }[];
  };
}

/** What the first container of a pod finds. */
export interface PodView {
  env: Record<string, string>;
  /** Texts by path. */
  files: Record<string, string>;
}

/** What a kubelet gives the container. @throws Error where a kubelet would not start it */
export async function viewOf(
  { spec }: PodObject,
  secret: (name: string) => Promise<SecretObject>,
): Promise<PodView> {
  const [container = {}] = spec.containers;
  const view: PodView = { env: {}, files: {} };
  for (const { name, valueFrom } of container.env ?? []) {
    const { name: from, key } = valueFrom.secretKeyRef;
    const text = textOf(await secret(from), key);
    if (text === undefined) throw new Error(`Secret ${from} has no key ${key}`);
    view.env[name] = text;
  }
  for (const { name, mountPath } of container.volumeMounts ?? []) {
    const from = spec.volumes?.find((volume) => volume.name === name)?.secret.secretName;
    if (from === undefined) throw new Error(`no volume ${name}`);
    const mounted = await secret(from);
    for (const key of Object.keys(mounted.data ?? {}).sort())
      view.files[`${mountPath}/${key}`] = textOf(mounted, key) ?? '';
  }
  return view;
}
