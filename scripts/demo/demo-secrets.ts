import { randomBytes } from 'node:crypto';
import type { Registration } from './people.ts';

/** The fake secrets of the demo; remembers every value that must not show up where it does not belong. */
export class DemoSecrets {
  readonly values: string[] = [];

  /** A new password for `username`, in the form that the examples' refs expect. */
  databaseCredentials(username: string, namespaces: readonly string[]): Registration {
    const value = {
      cocaCola: {
        data: { username, password: this.#newValue() },
        labels: { app: 'coca-cola' },
        annotations: { env: 'production' },
      },
    };
    const shown = `{"cocaCola": {"data": {"username": "${username}", "password": …}, …}}`;
    return { name: 'databaseCredentials', namespaces, value: JSON.stringify(value), shown };
  }

  /** A secret that is one text. */
  apiToken(namespaces: readonly string[]): Registration {
    return { name: 'apiToken', namespaces, value: this.#newValue(), shown: '…' };
  }

  /** The same in the other cluster. */
  partnerToken(namespaces: readonly string[]): Registration {
    return { name: 'partnerToken', namespaces, value: this.#newValue(), shown: '…' };
  }

  /** What somebody else registers under a name, with a value of ours. */
  placeholder(registration: Registration, value: string): Registration {
    this.values.push(value);
    return { ...registration, value, shown: '…' };
  }

  /** Remembers the password of credentials that somebody else made up. */
  known(registration: Registration): Registration {
    const { cocaCola } = JSON.parse(registration.value);
    this.values.push(cocaCola.data.password);
    return { ...registration, shown: registration.value.replace(cocaCola.data.password, '…') };
  }

  #newValue(): string {
    const value = randomBytes(15).toString('base64url');
    this.values.push(value);
    return value;
  }
}
