import type { ErrorCode } from 'yaml';

/** What is wrong, and how to mend it, in words for who wrote the file and not for who wrote the parser. */
interface Problem {
  readonly what: string;
  readonly hint: string;
}

const indent: Problem = {
  what: 'the indentation does not fit',
  hint: 'Indent what belongs together by the same number of spaces.',
};
const key: Problem = {
  what: 'this is neither a key with a value nor a part of the value above',
  hint: 'Write "key: value" with a space after the colon, and put quotes around a text that holds ": ".',
};
const problems: Partial<Record<ErrorCode, Problem>> = {
  BAD_INDENT: indent,
  TAB_AS_INDENT: {
    what: 'a tab is used for indentation',
    hint: 'YAML takes spaces only: replace the tab by spaces.',
  },
  MISSING_CHAR: {
    what: 'something is not closed or separated: a quote, a bracket, a comma or a colon',
    hint: 'Look for the one that is missing, here or in the lines above.',
  },
  BAD_DQ_ESCAPE: {
    what: 'a backslash in double quotes stands before a character that it cannot escape',
    hint: 'Use single quotes, or write the backslash twice.',
  },
  BAD_SCALAR_START: {
    what: 'a value begins with a character that has a meaning of its own in YAML',
    hint: 'Put the value in quotes.',
  },
  BLOCK_AS_IMPLICIT_KEY: key,
  MULTILINE_IMPLICIT_KEY: key,
  KEY_OVER_1024_CHARS: key,
  UNEXPECTED_TOKEN: {
    what: 'this is not expected here',
    hint: 'Look at quotes, brackets and indentation here and in the lines above.',
  },
  BLOCK_IN_FLOW: {
    what: 'a list or map by indentation stands within brackets',
    hint: 'Write it in brackets too, or take the outer brackets away.',
  },
  BAD_DIRECTIVE: { what: 'a directive (a line with %) is not known', hint: 'Remove the line.' },
  BAD_ALIAS: { what: 'an alias (*name) cannot be read', hint: 'Write the value out.' },
  ALIAS_PROPS: { what: 'an alias (*name) has an anchor or a tag', hint: 'Remove it.' },
  MULTIPLE_ANCHORS: { what: 'a value has two anchors (&name)', hint: 'Remove one.' },
  MULTIPLE_TAGS: { what: 'a value has two tags', hint: 'Remove them.' },
};

/** A parser's error code as a {@link Problem}. */
export function yamlProblem(code: ErrorCode): Problem {
  return problems[code] ?? { what: 'it cannot be read from here on', hint: indent.hint };
}
