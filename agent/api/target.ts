import type { Field } from './field.ts';
import { DEFAULT_SECRET_TYPE, SECRET_TYPE_RULES } from './secret-type.ts';
import { OBJECT_NAME_RULES } from './syntax.ts';

/** What becomes of the Secret when the resource goes, and whether it may belong to somebody else. */
export const CREATION_POLICIES = ['Owner', 'Orphan', 'Merge'] as const;
export type CreationPolicy = (typeof CREATION_POLICIES)[number];

/** The Secret to make or, under Merge, to add keys to. */
export interface Target {
  readonly name: string;
  /** Absent under Merge, and only there: the Secret keeps the type that it has. */
  readonly type?: string;
  readonly creationPolicy: CreationPolicy;
  readonly immutable: boolean;
}

export const MERGE_TYPE_MESSAGE =
  'must be left out with creationPolicy Merge: the Secret that is there keeps its type';
export const MERGE_IMMUTABLE_MESSAGE =
  'must be left out with creationPolicy Merge: whoever made the Secret says whether it may change';

export function parseTarget(field: Field, resourceName: string): Target {
  if (!field.present)
    return {
      name: resourceName,
      type: DEFAULT_SECRET_TYPE,
      creationPolicy: 'Owner',
      immutable: false,
    };
  const { name, type, creationPolicy, immutable } = field.members([
    'name',
    'type',
    'creationPolicy',
    'immutable',
  ]);
  const target = {
    name: name.present ? name.text(253, OBJECT_NAME_RULES) : resourceName,
    creationPolicy: creationPolicy.present ? creationPolicy.oneOf(CREATION_POLICIES) : 'Owner',
    immutable: immutable.present && immutable.flag(),
  };
  if (target.creationPolicy === 'Merge') {
    if (type.present) type.fail(MERGE_TYPE_MESSAGE);
    if (target.immutable) immutable.fail(MERGE_IMMUTABLE_MESSAGE);
    return target;
  }
  return { ...target, type: type.present ? type.text(317, SECRET_TYPE_RULES) : DEFAULT_SECRET_TYPE };
}
