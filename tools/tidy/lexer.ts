/**
 * A lexer for TypeScript that is just good enough to tell code from comments, strings and regular expressions.
 * TypeScript 7 offers no parser to other programs yet; the rules of this folder need no more than tokens.
 */

export type TokenKind = 'word' | 'number' | 'punctuation' | 'string' | 'template' | 'regex' | 'comment'

/**
 * `text` is the source text. For a string it is the content without quotes and with simple escapes undone. A template gives
 * one token for each literal part between its substitutions. `line` counts from 1.
 */
export interface Token {
  readonly kind: TokenKind
  readonly text: string
  readonly line: number
}

/** After these words a slash begins a regular expression; after any other word it divides. */
const WORDS_BEFORE_VALUE = new Set(
  'return typeof case in of delete void throw new else do instanceof await yield extends default'.split(' '),
)

const WORD = /[\p{ID_Start}$_#@][\p{ID_Continue}$\u200c\u200d]*/uy
const NUMBER = /(?:0[xob][\da-f_]+|\d[\d_]*\.?[\d_]*(?:e[+-]?\d+)?|\.\d[\d_]*(?:e[+-]?\d+)?)n?/iy
const BLANK = /\s+/y
const LINE_COMMENT = /\/\/[^\n]*|#![^\n]*/y
const BLOCK_COMMENT = /\/\*[\s\S]*?(?:\*\/|$)/y
const STRING = /'(?:\\[\s\S]|[^'\\\n])*'?|"(?:\\[\s\S]|[^"\\\n])*"?/y
const TEMPLATE_PART = /(?:\\[\s\S]|\$(?!\{)|[^\\`$])*/y
const REGEX = /\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/[a-z]*/y
const PUNCTUATION = /\?\?=|\?\.|=>|\.\.\.|[=!<>]=+|&&=?|\|\|=?|\?\?|\+\+|--|[\s\S]/y

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', 0: '\0', '\n': '' }

/** @returns all tokens of a source, comments included. Never throws; an unfinished literal ends with the text. */
export function lex(source: string): readonly Token[] {
  const tokens: Token[] = []
  /** For each open `{`: true when it began a substitution, so that its `}` continues a template. */
  const braces: boolean[] = []
  let at = 0
  let line = 1

  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    const text = pattern.exec(source)?.[0]
    if (text === undefined || text === '') return undefined
    at += text.length
    return text
  }
  const add = (kind: TokenKind, text: string, taken: string): void => {
    tokens.push({ kind, text, line })
    line += countLines(taken)
  }
  const addTemplatePart = (): void => {
    const part = take(TEMPLATE_PART) ?? ''
    add('template', part, part)
    if (source.startsWith('${', at)) {
      braces.push(true)
      at += 2
    } else at += 1 // the closing backtick
  }

  while (at < source.length) {
    const character = source[at]
    const blank = take(BLANK)
    if (blank !== undefined) {
      line += countLines(blank)
      continue
    }
    const comment = take(BLOCK_COMMENT) ?? (character === '/' || at === 0 ? take(LINE_COMMENT) : undefined)
    if (comment !== undefined) {
      add('comment', comment, comment)
      continue
    }
    if (character === '`') {
      at += 1
      addTemplatePart()
      continue
    }
    if (character === '}' && braces.pop() === true) {
      at += 1
      addTemplatePart()
      continue
    }
    if (character === '{') braces.push(false)
    const string = take(STRING)
    if (string !== undefined) {
      add('string', unescape(string), string)
      continue
    }
    addPlainToken(character === '/' && slashBeginsRegex(tokens), take, add)
  }
  return tokens
}

function addPlainToken(
  regexAllowed: boolean,
  take: (pattern: RegExp) => string | undefined,
  add: (kind: TokenKind, text: string, taken: string) => void,
): void {
  const kinds = [
    ...(regexAllowed ? ([['regex', REGEX]] as const) : []),
    ['word', WORD],
    ['number', NUMBER],
    ['punctuation', PUNCTUATION],
  ] as const
  for (const [kind, pattern] of kinds) {
    const text = take(pattern)
    if (text === undefined) continue
    add(kind, text, text)
    return
  }
}

function slashBeginsRegex(tokens: readonly Token[]): boolean {
  const before = tokens.findLast((token) => token.kind !== 'comment')
  if (before === undefined) return true
  if (before.kind === 'word') return WORDS_BEFORE_VALUE.has(before.text)
  if (before.kind !== 'punctuation') return false
  return (
    before.text !== ')' && before.text !== ']' && before.text !== '}' && before.text !== '++' && before.text !== '--'
  )
}

function unescape(literal: string): string {
  const quote = literal.charAt(0)
  const body = literal.slice(1, literal.endsWith(quote) && literal.length > 1 ? -1 : undefined)
  return body.replace(/\\([\s\S])/g, (_all, escaped: string) => ESCAPES[escaped] ?? escaped)
}

function countLines(text: string): number {
  return text.split('\n').length - 1
}

/** How one file asks for another. */
export interface Import {
  /** Ends in `*` where only the beginning is written and the rest is computed. */
  readonly specifier: string
  readonly line: number
  /** `import type …` or `export type … from`; it leaves no trace in the built code. */
  readonly typeOnly: boolean
  /** The names between the braces, as they are called where they come from; undefined for any other form. */
  readonly names: readonly string[] | undefined
}

/** @returns static and dynamic imports, `export … from`, and the types in `import('…')`; in the order of the text. */
export function importsOf(source: string): readonly Import[] {
  const tokens = lex(source).filter((token) => token.kind !== 'comment')
  return tokens.flatMap((token, index) => {
    if (token.kind !== 'word' || tokens[index - 1]?.text === '.') return []
    if (token.text === 'import') return importAt(tokens, index)
    return token.text === 'export' ? exportFromAt(tokens, index) : []
  })
}

function importAt(tokens: readonly Token[], index: number): readonly Import[] {
  const next = tokens[index + 1]
  if (next?.text === '.' || next?.text === ':') return [] // import.meta, or a property of that name
  if (next?.kind === 'string') return [{ specifier: next.text, line: next.line, typeOnly: false, names: [] }]
  if (next?.text !== '(') return clauseAt(tokens, index)
  const specifier = tokens[index + 2]
  const isLiteral = specifier?.kind === 'string' || specifier?.kind === 'template'
  const rest = tokens[index + 3]?.text === ')' || tokens[index + 3]?.text === ',' ? '' : '*'
  return [
    { specifier: isLiteral ? specifier.text + rest : '(computed)', line: next.line, typeOnly: false, names: undefined },
  ]
}

function exportFromAt(tokens: readonly Token[], index: number): readonly Import[] {
  const next = tokens[index + 1]
  const list = next?.text === 'type' ? tokens[index + 2] : next
  return list?.text === '{' || list?.text === '*' ? clauseAt(tokens, index) : []
}

/** From `import` or `export` to the string after `from`; a list in braces without `from` is a plain export. */
function clauseAt(tokens: readonly Token[], index: number): readonly Import[] {
  const typeOnly = tokens[index + 1]?.text === 'type' && tokens[index + 2]?.text !== 'from'
  const start = index + (typeOnly ? 2 : 1)
  let at = start
  while (tokens[at] !== undefined && tokens[at]?.text !== 'from') {
    // After the closing brace only `from` may follow.
    if (tokens[at - 1]?.text === '}' && at > start) return []
    at += 1
  }
  const specifier = tokens[at + 1]
  if (specifier?.kind !== 'string') return []
  return [{ specifier: specifier.text, line: specifier.line, typeOnly, names: namesOfClause(tokens.slice(start, at)) }]
}

function namesOfClause(clause: readonly Token[]): readonly string[] | undefined {
  if (clause[0]?.text !== '{') return undefined
  const words = clause.map((token) => token.text)
  return words.filter(
    (word, index) =>
      !'{},'.includes(word) &&
      word !== 'as' &&
      words[index - 1] !== 'as' &&
      (word !== 'type' || ',}'.includes(words[index + 1] ?? ',')),
  )
}
