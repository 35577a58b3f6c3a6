import { loadAll } from 'js-yaml';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { blocks, ROOT, safeCommands } from '../../test/docs/documentation.ts';
import type { PodObject } from './pod-view.ts';
import type { Registration } from './people.ts';

/** The way from a registered secret to a pod, as the README prints it. */
export interface Workflow {
  placeholder: Registration;
  credentials: Registration;
  /** YAML of the VSecMSecret. */
  resource: string;
  pod: PodObject;
}

/** Reads the README. @throws Error if it does not have these steps */
export async function readWorkflow(): Promise<Workflow> {
  const path = 'README.md';
  const page = { path, text: await readFile(join(ROOT, path), 'utf8') };
  const [placeholder, credentials] = blocks(page, 'sh')
    .flatMap(safeCommands)
    .map(({ name, ...rest }) => ({ ...rest, name: name.replace(/^raw:/, '') }));
  const yaml = blocks(page, 'yaml').map((text) => ({ text, objects: loadAll(text) as { kind: string }[] }));
  const of = (kind: string) => yaml.find(({ objects }) => objects[0]?.kind === kind);
  const [resource, pod] = [of('VSecMSecret'), of('Pod')];
  if (!placeholder || !credentials || !resource || !pod)
    throw new Error(`${path} has not the two registrations, the VSecMSecret and the Pod of its workflow`);
  return { placeholder, credentials, resource: resource.text, pod: pod.objects[0] as unknown as PodObject };
}
