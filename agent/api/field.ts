import { Failure } from './reasons.ts';
import { firstBroken, type Rule } from './rule.ts';

/**
 * A place in an object that nobody vouches for. It knows its path (`spec.data[2].ref`), looks at own
 * properties only, and whatever is wrong becomes an `InvalidSpec` that begins with the path.
 */
export class Field {
  readonly path: string;
  readonly value: unknown;

  constructor(path: string, value: unknown) {
    this.path = path;
    this.value = value;
  }

  get present(): boolean {
    return this.value !== undefined;
  }

  /** `problem` follows the path: `must be …`. */
  fail(problem: string): never {
    throw new Failure('InvalidSpec', `${this.path === '' ? 'the resource' : this.path} ${problem}`);
  }

  /** The members of an object; one that is not among `known` is refused, since ignoring it would do something else than what was asked. */
  members<Name extends string>(known: readonly Name[]): Record<Name, Field> {
    const object = this.object();
    const foreign = Object.keys(object).find((name) => !(known as readonly string[]).includes(name));
    if (foreign !== undefined) {
      this.fail(
        `must not have a member ${JSON.stringify(foreign.slice(0, 64))}: this version of the agent knows ${known.join(', ')}`,
      );
    }
    return Object.fromEntries(known.map((name) => [name, this.member(name)])) as Record<Name, Field>;
  }

  /** One member of an object that may have others. */
  member(name: string): Field {
    const object = this.object();
    return new Field(
      this.path === '' ? name : `${this.path}.${name}`,
      Object.hasOwn(object, name) ? object[name] : undefined,
    );
  }

  items(limit: number): Field[] {
    if (!Array.isArray(this.value)) this.fail('must be a list');
    if (this.value.length > limit)
      this.fail(`must have at most ${limit} items: spread them over several VSecMSecrets`);
    return Array.from(this.value, (_, index) => this.item(index));
  }

  /** One item of what is known to be a list. */
  item(index: number): Field {
    return new Field(`${this.path}[${index}]`, (this.value as unknown[])[index]);
  }

  flag(): boolean {
    if (typeof this.value !== 'boolean') this.fail('must be true or false, without quotes');
    return this.value;
  }

  oneOf<Value extends string>(values: readonly Value[]): Value {
    const value = values.find((value) => value === this.value);
    return value ?? this.fail(`must be ${values.slice(0, -1).join(', ')} or ${values.at(-1)}`);
  }

  /** A text of at least one and at most `limit` code points that satisfies the rules. */
  text(limit: number, rules: readonly Rule[] = []): string {
    const { value } = this;
    if (value === undefined) this.fail('is missing');
    if (typeof value !== 'string') this.fail('must be a text: put it in quotes');
    if (value === '') this.fail('must not be empty');
    if (value.length > 2 * limit || [...value].length > limit)
      this.fail(`must not be longer than ${limit} characters`);
    const broken = firstBroken(rules, value);
    if (broken !== undefined) this.fail(broken);
    return value;
  }

  private object(): Record<string, unknown> {
    const { value } = this;
    if (value === undefined) this.fail('is missing');
    if (typeof value !== 'object' || value === null || Array.isArray(value)) this.fail('must be an object');
    return value as Record<string, unknown>;
  }
}
