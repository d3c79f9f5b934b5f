/** The shared grammar of `WWW-Authenticate` and `Authorization` (RFC 9110 §11): schemes and their parameters. */

/** A longer header is refused whole; Node itself takes 16 KiB for all headers of a message. */
export const AUTH_HEADER_CHARS_MAX = 8192
/** Schemes in one header; servers offer two or three. */
export const AUTH_SCHEMES_MAX = 16
/** Parameters of one scheme; digest knows twelve. */
export const AUTH_PARAMETERS_MAX = 32

/** One scheme of a header, e.g. `Digest` with its parameters. */
export interface AuthScheme {
  /** In lower case. */
  readonly name: string
  /** The bare credentials of schemes like `Basic`, if there are any. */
  readonly token68: string | undefined
  /** Names in lower case, values without quotes and escapes. */
  readonly parameters: ReadonlyMap<string, string>
}

interface OpenScheme extends AuthScheme {
  readonly parameters: Map<string, string>
}

const SEPARATORS = /[\s,]*/y
const SCHEME = /([!#$%&'*+\-.^_`|~0-9A-Za-z]+)(?=[\s,]|$)[ \t]*/y
const TOKEN68 = /([A-Za-z0-9\-._~+/]+=*)(?=[ \t]*(?:,|$))/y
const PARAMETER = /([!#$%&'*+\-.^_`|~0-9A-Za-z]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\[^])*)"|([^\s,"]*))(?=[\s,]|$)/y

/**
 * Splits a header into its schemes. Several challenges in one header are told apart by their names.
 * @returns the schemes before the first thing that cannot be read; a scheme with a broken, a repeated or too many
 *   parameters is left out. Never throws.
 * Source: RFC 9110 §11.2, §11.6.1.
 */
export function parseAuthSchemes(header: string): readonly AuthScheme[] {
  if (header.length > AUTH_HEADER_CHARS_MAX) return []
  const schemes: OpenScheme[] = []
  const broken = new Set<OpenScheme>()
  let offset = matchAt(SEPARATORS, header, 0)?.[0].length ?? 0
  while (offset < header.length) {
    const current = schemes.at(-1)
    const parameter = current === undefined ? null : matchAt(PARAMETER, header, offset)
    if (current !== undefined && parameter !== null) {
      if (!addParameter(current, parameter)) broken.add(current)
      offset += parameter[0].length
    } else {
      const scheme = matchAt(SCHEME, header, offset)
      if (scheme === null || schemes.length === AUTH_SCHEMES_MAX) {
        if (current !== undefined) broken.add(current)
        break
      }
      offset += scheme[0].length
      const token68 = matchAt(TOKEN68, header, offset)?.[1]
      offset += token68?.length ?? 0
      schemes.push({ name: (scheme[1] ?? '').toLowerCase(), token68, parameters: new Map() })
    }
    offset += matchAt(SEPARATORS, header, offset)?.[0].length ?? 0
  }
  return schemes.filter((scheme) => !broken.has(scheme))
}

/**
 * Writes a quoted-string. Control characters have no place in a header and are dropped, so that no value can
 * end the line.
 * Source: RFC 9110 §5.6.4.
 */
export function quote(text: string): string {
  return `"${Array.from(text).filter(isPrintable).join('').replace(/["\\]/g, '\\$&')}"`
}

function isPrintable(character: string): boolean {
  const code = character.codePointAt(0) ?? 0
  return code >= 32 && code !== 127
}

/** @returns false for a repeated name or one too many. */
function addParameter(scheme: OpenScheme, match: RegExpExecArray): boolean {
  const name = (match[1] ?? '').toLowerCase()
  if (scheme.parameters.has(name) || scheme.parameters.size === AUTH_PARAMETERS_MAX) return false
  scheme.parameters.set(name, match[2]?.replace(/\\([^])/g, '$1') ?? match[3] ?? '')
  return true
}

function matchAt(pattern: RegExp, text: string, offset: number): RegExpExecArray | null {
  // A copy, because `lastIndex` of a shared pattern would be state of the module.
  const sticky = new RegExp(pattern)
  sticky.lastIndex = offset
  return sticky.exec(text)
}
