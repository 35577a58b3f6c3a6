import { BUILT_IN, resourcesOfCrd, type Resource } from '../resources.ts';
import { BUILT_IN_SHAPE, shapeOfSchema, type Shape } from './shape.ts';

/** A resource as this server treats it. */
export interface Kind extends Resource {
  shape: Shape;
  /** Of a custom resource, its structural schema. */
  schema?: any;
  /** Counts changes of its spec in metadata.generation. */
  generation: boolean;
  listKind: string;
  /** `group/plural`. */
  key: string;
}

const COUNTING = [
  'DaemonSet',
  'Deployment',
  'EndpointSlice',
  'NetworkPolicy',
  'PodDisruptionBudget',
  'StatefulSet',
  'ValidatingAdmissionPolicy',
  'ValidatingAdmissionPolicyBinding',
  'CustomResourceDefinition',
];

const keyOf = (group: string, plural: string): string => `${group}/${plural}`;

/** What is served: the built-in resources, and those of the CustomResourceDefinitions that were stored. */
export class Kinds {
  readonly #kinds = new Map<string, Kind>();

  constructor() {
    for (const resource of BUILT_IN) {
      const key = keyOf(resource.group, resource.plural);
      const generation = COUNTING.includes(resource.kind);
      this.#kinds.set(key, {
        ...resource,
        key,
        shape: BUILT_IN_SHAPE,
        generation,
        listKind: `${resource.kind}List`,
      });
    }
  }

  find(group: string, version: string, plural: string): Kind | undefined {
    const kind = this.#kinds.get(keyOf(group, plural));
    return kind?.version === version ? kind : undefined;
  }

  /** Serves the stored version of a CustomResourceDefinition, also in place of an earlier schema of it. */
  define(crd: any): Kind {
    const version = crd.spec.versions.find((one: any) => one.storage);
    const resource = resourcesOfCrd(crd).find((one) => one.version === version.name)!;
    const schema = version.schema?.openAPIV3Schema ?? {
      type: 'object',
      'x-kubernetes-preserve-unknown-fields': true,
    };
    const kind: Kind = {
      ...resource,
      key: keyOf(resource.group, resource.plural),
      schema,
      shape: shapeOfSchema(schema),
      generation: true,
      listKind: crd.spec.names.listKind ?? `${resource.kind}List`,
    };
    this.#kinds.set(kind.key, kind);
    return kind;
  }

  forget(kind: Kind): void {
    this.#kinds.delete(kind.key);
  }
}

/** A CustomResourceDefinition as it is once its kind is served. */
export function established(crd: any): any {
  const condition = (type: string): object => ({
    type,
    status: 'True',
    reason: 'DevelopmentServer',
    message: '',
  });
  const { names, versions } = crd.spec;
  return {
    ...crd,
    status: {
      conditions: [condition('NamesAccepted'), condition('Established')],
      acceptedNames: names,
      storedVersions: versions.filter((version: any) => version.storage).map((version: any) => version.name),
    },
  };
}
