/** What the story looks at in a VSecMSecret. */
export interface ResourceObject {
  metadata: { namespace: string; name: string };
  status?: { node?: string; failure?: { code: string; message: string; hint: string } };
}

/** What the story looks at in a Secret, as the API server gives it. */
export interface SecretObject {
  metadata: {
    namespace: string;
    name: string;
    uid: string;
    resourceVersion: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  };
  type: string;
  /** Base64. */
  data?: Record<string, string>;
}

/** The text of a key; `undefined` if there is no such key, or no Secret. */
export function textOf(secret: SecretObject | undefined, key: string): string | undefined {
  const value = secret?.data?.[key];
  return value === undefined ? undefined : Buffer.from(value, 'base64').toString();
}
