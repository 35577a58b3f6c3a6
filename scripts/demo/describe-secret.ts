import type { SecretObject } from './objects.ts';

/** What `kubectl describe secret` prints: of values only how long they are. */
export function describeSecret({ metadata, type, data = {} }: SecretObject): string {
  return [
    `Name:         ${metadata.name}`,
    `Namespace:    ${metadata.namespace}`,
    ...listed('Labels:       ', metadata.labels, '='),
    ...listed('Annotations:  ', metadata.annotations, ': '),
    '',
    `Type:  ${type}`,
    '',
    'Data',
    '====',
    ...Object.entries(data)
      .sort()
      .map(([key, value]) => `${key}:  ${Buffer.from(value, 'base64').length} bytes`),
  ].join('\n');
}

function listed(title: string, entries: Record<string, string> = {}, separator: string): string[] {
  const texts = Object.entries(entries)
    .sort()
    .map(([key, value]) => `${key}${separator}${value}`);
  return (texts.length === 0 ? ['<none>'] : texts).map(
    (text, index) => `${index === 0 ? title : ' '.repeat(title.length)}${text}`,
  );
}
