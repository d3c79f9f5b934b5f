import { err, ok } from '../../protocol/result.ts'
import type { Result } from '../../protocol/result.ts'
import { DEPTH_MAX } from './found.ts'
import type { Unreadable } from './found.ts'
import { lineCounter, quotedEnd } from './scan.ts'

export interface Token {
  readonly kind: 'word' | 'text' | 'sign'
  /** Of a text: what it stands for, without quotes and escapes. */
  readonly text: string
  readonly line: number
}

/** A statement of dhcpd: what stands before `;` or `{`, and the statements in its braces. */
export interface Statement {
  readonly line: number
  readonly head: readonly Token[]
  readonly body: readonly Statement[] | undefined
}

/** Reads the blocks and statements of dhcpd's language, whatever they mean. Never throws. */
export function readStatements(text: string): Result<readonly Statement[], Unreadable> {
  const tokens = tokensOf(text)
  if (!tokens.ok) return tokens
  interface Open {
    readonly head: readonly Token[]
    readonly line: number
    readonly statements: Statement[]
  }
  const stack: Open[] = [{ head: [], line: 1, statements: [] }]
  let head: Token[] = []
  for (const token of tokens.value) {
    const top = stack.at(-1)
    if (top === undefined) break
    const line = head[0]?.line ?? token.line
    if (token.kind !== 'sign' || !';{}'.includes(token.text) || (token.text !== ';' && isDefinition(head))) {
      head.push(token)
    } else if (token.text === ';') {
      if (head.length > 0) top.statements.push({ line, head, body: undefined })
      head = []
    } else if (token.text === '{') {
      if (stack.length > DEPTH_MAX) return err({ line, message: `more than ${DEPTH_MAX} braces lie in each other` })
      stack.push({ head, line, statements: [] })
      head = []
    } else {
      if (head.length > 0) return err({ line, message: 'expected a semicolon before }' })
      if (stack.length < 2) return err({ line: token.line, message: 'this } closes nothing' })
      stack.pop()
      stack.at(-1)?.statements.push({ line: top.line, head: top.head, body: top.statements })
    }
  }
  const open = stack.at(-1)
  if (stack.length > 1) return err({ line: open?.line ?? 1, message: 'the { of this line is never closed' })
  if (head.length > 0)
    return err({ line: head[0]?.line ?? 1, message: 'expected a semicolon at the end of the statement' })
  return ok(open?.statements ?? [])
}

/** Braces in the type of an option are no block: `option x code 200 = { boolean, ip-address };`. */
function isDefinition([first, , third]: readonly Token[]): boolean {
  return first?.text === 'option' && third?.text === 'code'
}

function tokensOf(text: string): Result<readonly Token[], Unreadable> {
  const lineOf = lineCounter(text)
  const tokens: Token[] = []
  let at = 0
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    const found = pattern.exec(text)?.[0]
    if (found !== undefined) at += found.length
    return found
  }
  while (at < text.length) {
    if (take(/[\s\uFEFF]+/y) !== undefined || take(/#[^\n]*/y) !== undefined) continue
    const line = lineOf(at)
    if (text.charAt(at) === '"') {
      const end = quotedEnd(text, at)
      if (end === undefined) return err({ line, message: 'the text in quotes does not end on its line' })
      tokens.push({ kind: 'text', text: unescape(text.slice(at + 1, end - 1)), line })
      at = end
      continue
    }
    const word = take(/[\w.:/@*-]+/y)
    if (word !== undefined) tokens.push({ kind: 'word', text: word, line })
    else {
      tokens.push({ kind: 'sign', text: text.charAt(at), line })
      at += 1
    }
  }
  return ok(tokens)
}

/** dhcpd knows `\n`, `\t`, octal and hex; anything else stands for itself. */
function unescape(text: string): string {
  return text.replace(/\\(x[0-9a-fA-F]{1,2}|[0-7]{1,3}|.)/g, (_, code: string) => {
    if (/^x[0-9a-f]/i.test(code)) return String.fromCharCode(Number.parseInt(code.slice(1), 16))
    if (/^[0-7]/.test(code)) return String.fromCharCode(Number.parseInt(code, 8) & 255)
    return code === 'n' ? '\n' : code === 't' ? '\t' : code
  })
}
