import type { Answer, StoredSecret } from './answer.ts';
import { JsonError, readJson } from './json.ts';
import type { Node } from './node.ts';
import { readYaml } from './yaml.ts';

/** What a path can look into. `text` has no members; `unreadable` is too deep, or YAML by its format alone. */
export type Document =
  | { readonly kind: 'tree'; readonly root: Node }
  | { readonly kind: 'text' }
  | { readonly kind: 'unreadable' };

/** A bare value: Safe's answer while it knows a single secret. */
export type BareAnswer = Extract<Answer, { kind: 'unnamed' }>;

const documents = new WeakMap<StoredSecret | BareAnswer, Document>();

/** The content of a secret or bare answer, taken apart at the first look and kept as long as that itself. */
export function documentOf(source: StoredSecret | BareAnswer): Document {
  let document = documents.get(source);
  if (document === undefined) {
    document =
      'kind' in source ? readDocument(source.value, '') : readDocument(contentOf(source), source.format);
    documents.set(source, document);
  }
  return document;
}

/** JSON, or YAML if that is the format and it is not JSON, else text. */
function readDocument(content: string, format: string): Document {
  try {
    return { kind: 'tree', root: readJson(content) };
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    if (format !== 'yaml') return { kind: error.code === 'TooDeep' ? 'unreadable' : 'text' };
  }
  const root = readYaml(content);
  return root === undefined ? { kind: 'unreadable' } : { kind: 'tree', root };
}

/**
 * The content that a path looks into: the value, unless the secret has a template. Not the transformed value
 * in any case, since Safe trims it and passes the numbers of YAML through floating point.
 */
export const contentOf = (secret: StoredSecret): string =>
  secret.template === '' ? secret.value : transformed(secret);

/** A whole secret as Safe serves it to a workload: exactly the value if it has neither template nor format. */
export const wholeText = (secret: StoredSecret): string =>
  secret.template === '' && secret.format === '' ? secret.value : transformed(secret);

/** Safe serves the value where its transformation came to nothing. */
const transformed = (secret: StoredSecret): string => secret.valueTransformed || secret.value;
