/**
 * What server-side apply has to know of an object's structure. Where nothing is said, objects are merged
 * field by field and lists are taken whole.
 */
export interface Shape {
  /** A list merged by these keys of its items, or as a set of scalars. */
  list?: { keys: string[] } | 'set';
  /** Taken whole even though it is an object. */
  atomic?: boolean;
  fields?: Record<string, Shape>;
  /** Of list items, and of the values of a free map. */
  items?: Shape;
}

const byType: Shape = { list: { keys: ['type'] } };

const metadata: Shape = {
  fields: {
    ownerReferences: { list: { keys: ['uid'] }, items: { atomic: true } },
    finalizers: { list: 'set' },
  },
};

/** Of the built-in kinds, as far as the tests go. */
export const BUILT_IN_SHAPE: Shape = {
  fields: { metadata, status: { fields: { conditions: byType } }, regarding: { atomic: true } },
};

/** Of a custom resource, from the OpenAPI schema in its definition. */
export function shapeOfSchema(schema: any): Shape {
  const root = shapeOf(schema);
  return { ...root, fields: { ...root.fields, metadata } };
}

function shapeOf(schema: any): Shape {
  const listType = schema['x-kubernetes-list-type'];
  const items =
    schema.items ??
    (typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined);
  return {
    ...(listType === 'map' ? { list: { keys: schema['x-kubernetes-list-map-keys'] } } : {}),
    ...(listType === 'set' ? { list: 'set' } : {}),
    ...(schema['x-kubernetes-map-type'] === 'atomic' ? { atomic: true } : {}),
    ...(items === undefined ? {} : { items: shapeOf(items) }),
    ...(schema.properties === undefined
      ? {}
      : {
          fields: Object.fromEntries(
            Object.entries(schema.properties).map(([name, field]) => [name, shapeOf(field)]),
          ),
        }),
  };
}

/** A step into an object or list, as fieldsV1 writes it: `f:name`, `k:{"type":"Ready"}`, `v:"x"`. */
export interface Member {
  step: string;
  value: unknown;
  shape: Shape;
}

const NOTHING: Shape = {};

/** The members that are owned one by one; undefined for what is owned as a whole. */
export function membersOf(value: unknown, shape: Shape): Member[] | undefined {
  if (Array.isArray(value)) {
    if (shape.list === undefined) return undefined;
    return value.map((item) => ({
      step: itemStep(item, shape.list!),
      value: item,
      shape: shape.items ?? NOTHING,
    }));
  }
  if (typeof value !== 'object' || value === null || shape.atomic === true) return undefined;
  return Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .map(([name, field]) => ({
      step: `f:${name}`,
      value: field,
      shape: shape.fields?.[name] ?? shape.items ?? NOTHING,
    }));
}

export function itemStep(item: any, list: NonNullable<Shape['list']>): string {
  if (list === 'set') return `v:${JSON.stringify(item)}`;
  const keys = [...list.keys].sort();
  return `k:${JSON.stringify(Object.fromEntries(keys.map((key) => [key, item?.[key]])))}`;
}
