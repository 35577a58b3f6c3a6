import { badRequest } from './api-error.ts';

const TERM = /^(?<not>!)?(?<key>[A-Za-z0-9./_-]+)(?:(?<operator>==?|!=)(?<value>[A-Za-z0-9._-]*))?$/;

/** Label selectors by equality and presence: `a=b,c!=d,e,!f`. */
export function labelSelector(text: string | null): (object: any) => boolean {
  const tests = (text ?? '')
    .split(',')
    .filter((term) => term !== '')
    .map((term) => {
      const { not, key = '', operator, value } = TERM.exec(term.trim())?.groups ?? {};
      if (key === '' || (not !== undefined && operator !== undefined))
        throw badRequest(`unable to parse requirement: ${term}`);
      return (labels: Record<string, string>): boolean => {
        if (operator === undefined) return (not === undefined) === key in labels;
        return (operator === '!=') !== (labels[key] === value);
      };
    });
  return (object) => tests.every((test) => test(object.metadata.labels ?? {}));
}
