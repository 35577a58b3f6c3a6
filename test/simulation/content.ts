/** What a Secret's content says of itself: which secret of Safe it is of, and in which version. */
export type Content =
  | { is: 'none' }
  | { is: 'version'; secret: number; version: number }
  /** Not all of it is of one version. */
  | { is: 'torn' }
  /** Nothing that Safe ever served under these keys. */
  | { is: 'foreign' };

const TEXT = /^(\d+)\.(\d+)$/;

export function contentOf(secret: any): Content {
  const { a, b } = secret?.data ?? {};
  if (a === undefined && b === undefined) return { is: 'none' };
  const [one, other] = [a, b].map((text) =>
    text === undefined ? '' : Buffer.from(text, 'base64').toString(),
  );
  const match = TEXT.exec(one!);
  if (match && one === other) return { is: 'version', secret: Number(match[1]), version: Number(match[2]) };
  return match && TEXT.test(other!) ? { is: 'torn' } : { is: 'foreign' };
}

/** The secret of Safe that a VSecMSecret takes its content from. */
export function sourceOf(resource: any): number {
  const match = /^s(\d+)\./.exec(resource.spec.data?.[0]?.ref ?? '');
  return match ? Number(match[1]) : -1;
}
