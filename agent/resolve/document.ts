import type { Answer, StoredSecret } from './answer.ts';
import { KeptDocuments } from './kept-documents.ts';
import { countJson, JsonError } from './json.ts';
import { isList, isObject, type Node } from './node.ts';
import { MAX_YAML_LENGTH, readYaml } from './yaml.ts';

/**
 * What a path can look into. `text` has no members; `unreadable` is too deep, or YAML by its format alone;
 * `large` has too much of everything.
 */
export type Document =
  | { readonly kind: 'tree'; readonly root: Node; readonly nodes: number }
  | { readonly kind: 'text' | 'unreadable' | 'large'; readonly nodes: number };

/** A bare value: Safe's answer while it knows a single secret. */
export type BareAnswer = Extract<Answer, { kind: 'unnamed' }>;

/** Characters of a document that is looked into: twice what a Secret holds, and scanned within 10 ms. */
export const MAX_DOCUMENT_LENGTH = 2 * 1024 * 1024;

const documents = new KeptDocuments();

/** The content of a secret or bare answer, taken apart at the first look and kept for a while. */
export function documentOf(source: StoredSecret | BareAnswer): Document {
  let document = documents.get(source);
  if (document === undefined) {
    document =
      'kind' in source ? readDocument(source.value, '') : readDocument(contentOf(source), source.format);
    documents.keep(source, document);
  }
  return document;
}

/** JSON, or YAML if that is the format and it is not JSON, else text. */
function readDocument(content: string, format: string): Document {
  if (content.length > MAX_DOCUMENT_LENGTH) return { kind: 'large', nodes: 0 };
  try {
    return { kind: 'tree', ...countJson(content) };
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    if (error.code === 'TooLarge') return { kind: 'large', nodes: 0 };
    if (format !== 'yaml') return { kind: error.code === 'TooDeep' ? 'unreadable' : 'text', nodes: 0 };
  }
  if (content.length > MAX_YAML_LENGTH) return { kind: 'large', nodes: 0 };
  const root = readYaml(content);
  return root === undefined ? { kind: 'unreadable', nodes: 0 } : { kind: 'tree', root, nodes: count(root) };
}

function count(node: Node): number {
  let nodes = 1;
  if (isList(node)) for (const item of node) nodes += count(item);
  if (isObject(node)) for (const member of node.values()) nodes += count(member);
  return nodes;
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
