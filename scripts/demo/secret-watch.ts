import type { ApiClient, Watch } from '../../test/devcluster/api-client.ts';
import type { SecretObject } from './objects.ts';

const SECRETS = '/api/v1/secrets';

/** Everything that happens to Secrets from a moment on. */
export class SecretWatch {
  readonly #watch: Watch;
  readonly #there: number;

  private constructor(watch: Watch, there: number) {
    this.#watch = watch;
    this.#there = there;
  }

  /** From now on. */
  static async begin(admin: ApiClient): Promise<SecretWatch> {
    const { metadata, items } = await admin.ok('GET', SECRETS);
    const from = `resourceVersion=${metadata.resourceVersion}`;
    return new SecretWatch(await admin.watch(`${SECRETS}?watch=true&${from}`), items.length);
  }

  /**
   * How many Secrets were there all the time until this version of `last`, and ends the watch.
   * @throws Error if one was deleted, or came without its values
   */
  async unbroken({ metadata: { uid, resourceVersion } }: SecretObject): Promise<number> {
    const events = await this.#watch.until(
      ({ object }) => object.metadata.uid === uid && object.metadata.resourceVersion === resourceVersion,
    );
    this.#watch.close();
    if (events.at(-1)?.object.metadata.resourceVersion !== resourceVersion)
      throw new Error('the watch on Secrets ended');
    for (const { type, object } of events) {
      const { namespace, name } = object.metadata;
      if (type === 'DELETED') throw new Error(`Secret ${namespace}/${name} was deleted`);
      if (Object.keys(object.data ?? {}).length === 0)
        throw new Error(`Secret ${namespace}/${name} was empty`);
    }
    return this.#there;
  }
}
