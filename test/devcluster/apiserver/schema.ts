/** Fills in a structural schema's defaults, also within what is filled in. `value` is changed. */
export function addDefaults(value: any, schema: any): void {
  if (Array.isArray(value)) {
    for (const item of value) addDefaults(item, schema.items ?? {});
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, field] of Object.entries<any>(schema.properties ?? {})) {
      if (value[name] === undefined && field.default !== undefined)
        value[name] = structuredClone(field.default);
      addDefaults(value[name], field);
    }
    if (typeof schema.additionalProperties === 'object') {
      for (const inner of Object.values(value)) addDefaults(inner, schema.additionalProperties);
    }
  }
}

/** Drops fields that a structural schema does not know, and returns their paths. `value` is changed. */
export function prune(value: any, schema: any, path = ''): string[] {
  if (Array.isArray(value))
    return value.flatMap((item, index) => prune(item, schema.items ?? {}, `${path}[${index}]`));
  if (typeof value !== 'object' || value === null || schema['x-kubernetes-preserve-unknown-fields'] === true)
    return [];
  const { properties = {}, additionalProperties } = schema;
  return Object.keys(value).flatMap((name) => {
    const inner = Object.hasOwn(properties, name) ? properties[name] : additionalProperties;
    // The root of every object has these, whatever its schema says.
    if (path === '' && ['apiVersion', 'kind', 'metadata'].includes(name)) return [];
    if (typeof inner === 'object') return prune(value[name], inner, `${path}.${name}`);
    if (inner === true) return [];
    delete value[name];
    return [`${path}.${name}`];
  });
}
