/** `Accept` of whole objects. */
export const OBJECT = 'application/json';
/** `Accept` for get, patch and watch without spec, status and data: how Secrets are seen without their values. */
export const METADATA = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';
/** The same for lists: the API server answers 406 to the other one there. */
export const METADATA_LIST = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';
/** `Content-Type` of a server-side apply; JSON is YAML. */
export const APPLY = 'application/apply-patch+yaml';
