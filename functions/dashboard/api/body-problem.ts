import * as v from 'valibot';

/** What is wrong with a body, in words for who wrote it: where, and what belongs there. */
export function bodyProblem(issue: v.BaseIssue<unknown>): string {
  const where = v.getDotPath(issue);
  if (issue.type === 'parse_json') return 'The body is not JSON.';
  if (where === null) return 'The body must be a JSON object.';
  if (issue.received === 'undefined') return `The body lacks "${where}".`;
  return `"${where}" in the body ${wanted(issue)}.`;
}

function wanted({ type, expected, requirement, message }: v.BaseIssue<unknown>): string {
  switch (type) {
    case 'string':
    case 'number':
    case 'boolean':
      return `must be a ${type === 'string' ? 'text' : type}`;
    case 'array':
      return 'must be a list';
    case 'object':
      return 'must be an object';
    case 'picklist':
      return `must be one of ${(expected ?? '').replaceAll(/[()]/g, '').replaceAll(' | ', ', ')}`;
    case 'integer':
      return 'must be a whole number';
    case 'min_value':
      return `must be ${requirement} or more`;
    case 'max_value':
      return `must be ${requirement} or less`;
    case 'max_length':
      return `must have ${requirement} characters at most`;
    case 'regex':
      return 'has a form that is not known here';
    default:
      return `cannot be used: ${message}`;
  }
}
