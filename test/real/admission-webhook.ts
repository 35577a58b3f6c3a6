import { createServer, type Server } from 'node:https';
import { Ca } from '../devcluster/pki.ts';

/** An admission webhook on a port of its own, which refuses with a status of its Status, or never answers. */
export class AdmissionWebhook {
  readonly #server: Server;
  readonly #ca: Ca;
  /** The code that it refuses with; `hang`: it takes requests and says nothing. */
  answer: number | 'hang' = 'hang';

  private constructor(server: Server, ca: Ca) {
    this.#server = server;
    this.#ca = ca;
    server.on('request', async (request, response) => {
      if (this.answer === 'hang') return;
      const pieces: Buffer[] = [];
      for await (const piece of request) pieces.push(piece);
      const { uid } = JSON.parse(Buffer.concat(pieces).toString()).request;
      const status = { code: this.answer, message: 'label team is required, and "s3cret" is no password' };
      response.setHeader('content-type', 'application/json');
      response.end(
        JSON.stringify({
          apiVersion: 'admission.k8s.io/v1',
          kind: 'AdmissionReview',
          response: { uid, allowed: false, status },
        }),
      );
    });
  }

  static async start(): Promise<AdmissionWebhook> {
    const ca = await Ca.create('webhook');
    const { chainPem, keyPem } = await ca.issue({ sans: [{ type: 'ip', value: '127.0.0.1' }] });
    const server = createServer({ cert: chainPem, key: keyPem });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new AdmissionWebhook(server, ca);
  }

  /** What makes an API server ask it about the Secrets of one namespace, with Kubernetes' default timeout of 10 s. */
  configuration(namespace: string): object {
    return {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingWebhookConfiguration',
      metadata: { name: namespace },
      webhooks: [
        {
          name: `${namespace}.example.com`,
          sideEffects: 'None',
          admissionReviewVersions: ['v1'],
          failurePolicy: 'Fail',
          namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
          clientConfig: {
            url: `https://127.0.0.1:${(this.#server.address() as { port: number }).port}/`,
            caBundle: Buffer.from(this.#ca.certPem).toString('base64'),
          },
          rules: [
            {
              apiGroups: [''],
              apiVersions: ['v1'],
              resources: ['secrets'],
              operations: ['CREATE', 'UPDATE'],
            },
          ],
        },
      ],
    };
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
