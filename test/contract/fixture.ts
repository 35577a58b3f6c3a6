import { after, before, beforeEach } from 'node:test';
import { startCluster, type TestCluster } from '../cluster.ts';
import { APPLY, type ApiAnswer, type ApiClient } from '../devcluster/api-client.ts';

export const METADATA = { accept: 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1' };
export const METADATA_LIST = { accept: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1' };

/** Base64 of three values. */
export const [A, B, C] = ['YQ==', 'Yg==', 'Yw=='] as const;

export interface Apply {
  manager?: string;
  force?: boolean;
  headers?: Record<string, string>;
  subresource?: string;
}

/** One cluster for the tests of a file, one namespace for each test. */
export class Fixture {
  cluster!: TestCluster;
  namespace!: string;
  #count = 0;

  /** Registers the hooks; `prepare` runs once. */
  constructor(prepare: (cluster: TestCluster) => Promise<unknown> = async () => {}) {
    before(async () => {
      this.cluster = await startCluster();
      await prepare(this.cluster);
    });
    beforeEach(() => this.newNamespace());
    after(() => this.cluster?.stop());
  }

  async newNamespace(): Promise<void> {
    this.namespace = `contract-${++this.#count}`;
    await this.api.ok('POST', '/api/v1/namespaces', { metadata: { name: this.namespace } });
  }

  get api(): ApiClient {
    return this.cluster.admin;
  }

  secrets(name?: string): string {
    return `/api/v1/namespaces/${this.namespace}/secrets${name === undefined ? '' : `/${name}`}`;
  }

  widgets(name?: string): string {
    return `/apis/contract.example.com/v1/namespaces/${this.namespace}/widgets${name === undefined ? '' : `/${name}`}`;
  }

  /** Server-side applies a Secret named `s`, by default as manager `agent` and without force. */
  applySecret(content: object, metadata: object = {}, options: Apply = {}): Promise<ApiAnswer> {
    return this.apply(
      this.secrets('s'),
      { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's', ...metadata }, ...content },
      options,
    );
  }

  apply(
    path: string,
    object: object,
    { manager = 'agent', force = false, headers = {}, subresource = '' }: Apply = {},
  ): Promise<ApiAnswer> {
    const target = `${path}${subresource === '' ? '' : `/${subresource}`}?fieldManager=${manager}&force=${force}`;
    return this.api.request('PATCH', target, object, { 'content-type': APPLY, ...headers });
  }

  async secret(name = 's'): Promise<any> {
    return this.api.ok('GET', this.secrets(name));
  }
}

/** The fieldsV1 of one entry of managedFields; undefined if there is none. */
export function fieldsOf(object: any, manager: string, operation: 'Apply' | 'Update' = 'Apply'): any {
  return object.metadata.managedFields?.find(
    (entry: any) => entry.manager === manager && entry.operation === operation,
  )?.fieldsV1;
}

/** What the agent may read of an answer that is no success. */
export const told = ({ status, body }: ApiAnswer): { status: number; reason: string; causes: unknown[] } => ({
  status,
  reason: body.reason,
  causes: (body.details?.causes ?? []).map(({ reason, field }: any) => ({ reason, field })),
});

/** A CRD with what matters here: defaults, a keyed list, a status with conditions. */
export const WIDGETS = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.contract.example.com' },
  spec: {
    group: 'contract.example.com',
    scope: 'Namespaced',
    names: { plural: 'widgets', singular: 'widget', kind: 'Widget', listKind: 'WidgetList' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: {
                type: 'object',
                properties: {
                  interval: { type: 'string', default: '1h' },
                  target: {
                    type: 'object',
                    default: {},
                    properties: { name: { type: 'string' }, policy: { type: 'string', default: 'Owner' } },
                  },
                  data: {
                    type: 'array',
                    'x-kubernetes-list-type': 'map',
                    'x-kubernetes-list-map-keys': ['key'],
                    items: {
                      type: 'object',
                      required: ['key'],
                      properties: { key: { type: 'string' }, ref: { type: 'string' } },
                    },
                  },
                },
              },
              status: {
                type: 'object',
                default: { observedGeneration: -1 },
                properties: {
                  observedGeneration: { type: 'integer', format: 'int64' },
                  node: { type: 'string' },
                  failure: {
                    type: 'object',
                    properties: { code: { type: 'string' }, hint: { type: 'string' } },
                  },
                  conditions: {
                    type: 'array',
                    'x-kubernetes-list-type': 'map',
                    'x-kubernetes-list-map-keys': ['type'],
                    items: {
                      type: 'object',
                      required: ['type', 'status'],
                      properties: {
                        type: { type: 'string' },
                        status: { type: 'string' },
                        reason: { type: 'string' },
                      },
                    },
                  },
                },
              },
            },
          },
        },
      },
    ],
  },
};

export const widget = (name: string, content: object = {}, metadata: object = {}): object => ({
  apiVersion: 'contract.example.com/v1',
  kind: 'Widget',
  metadata: { name, ...metadata },
  ...content,
});
