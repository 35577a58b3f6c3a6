import { apiVersionOf } from '../resources.ts';
import { ApiError } from './api-error.ts';
import type { Kind } from './kinds.ts';

const META = { apiVersion: 'meta.k8s.io/v1' };

/** How a client wants objects: whole, or their metadata only. */
export interface View {
  /** JSON text of one object. */
  object(object: any): string;
  list(objects: any[], metadata: object): string;
}

/** From the Accept header; throws 406. */
export function viewOf(accept: string | undefined, kind: Kind, list: boolean): View {
  const wanted = /;as=(\w+);/.exec(`${accept?.split(',')[0]};`)?.[1];
  if (wanted === undefined) return wholeView(kind);
  if (wanted === (list ? 'PartialObjectMetadataList' : 'PartialObjectMetadata')) return METADATA_VIEW;
  throw new ApiError(
    406,
    'NotAcceptable',
    `you requested ${wanted}, but the requested object is ${list ? '' : 'not '}a list`,
  );
}

const metadataOf = remember((object: any) =>
  JSON.stringify({ kind: 'PartialObjectMetadata', ...META, metadata: object.metadata }),
);

const METADATA_VIEW: View = {
  object: metadataOf,
  // None is null here, and [] in lists of whole objects.
  list: (objects, metadata) =>
    listOf(
      'PartialObjectMetadataList',
      META.apiVersion,
      metadata,
      objects.length === 0 ? null : objects.map(metadataOf),
    ),
};

const whole = remember((object: any) => JSON.stringify(object));
const bare = remember(({ apiVersion: _, kind: __, ...object }: any) => JSON.stringify(object));

function wholeView(kind: Kind): View {
  // In lists, items of built-in kinds come without their kind.
  const item = kind.schema === undefined ? bare : whole;
  return {
    object: whole,
    list: (objects, metadata) => listOf(kind.listKind, apiVersionOf(kind), metadata, objects.map(item)),
  };
}

const listOf = (kind: string, apiVersion: string, metadata: object, items: string[] | null): string =>
  `{"kind":"${kind}","apiVersion":"${apiVersion}","metadata":${JSON.stringify(metadata)},"items":${items && `[${items.join(',')}]`}}`;

/** Stored objects never change, so their text is made once. */
function remember(text: (object: any) => string): (object: any) => string {
  const known = new WeakMap<object, string>();
  return (object) => {
    let found = known.get(object);
    if (found === undefined) known.set(object, (found = text(object)));
    return found;
  };
}
