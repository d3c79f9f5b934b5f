/**
 * Keys and passwords that stand inside other text, above all `--key` and `--pwd` in rules (MPP §4.4): pages show a mask
 * in their place, export and reports leave such an element out like any other secret (MPP §1.8, §12.2).
 */

/** Stands where something is hidden. */
export const MASK = '********'

/** The arguments of options, in plain text and in escaped XML. A macro such as $SA is no secret by itself. */
const OPTION =
  /(--(?:key|pwd)\s*)(?:"[^"]*"?|“[^”]*”?|&quot;.*?(?:&quot;|$)|(?!\$\(?[A-Z]+\)?(?:[\s\]]|$))[^\s\]"“]+)/gi
/** An assignment to an element that holds a password, a key or a secret register. */
const ASSIGNMENT =
  /(\b(?:[\w.-]*(?:passw|pwd|secret|_key)[\w.-]*|GPP_S[A-D]|IKM\w*)\s*=\s*)(?:"[^"]*"|&quot;.*?&quot;)/gi
const USER_INFO = /(:\/\/[^\s/:@]*:)[^\s/@]+(?=@)/g

/** @returns the text with each literal key and password replaced by MASK. */
export function withoutSecrets(text: string): string {
  return text.replace(OPTION, `$1${MASK}`).replace(ASSIGNMENT, `$1${MASK}`).replace(USER_INFO, `$1${MASK}`)
}

/** @returns whether a value holds a key or password that must not leave the phone. */
export function holdsSecret(value: string): boolean {
  return withoutSecrets(value) !== value
}

/** An exported profile in which elements that hold such a secret are comments, so that importing it again keeps them. */
export function exportWithoutSecrets(xml: string): string {
  return xml
    .split('\n')
    .map((line) => {
      const match = /^(\s*)<([A-Za-z][\w.-]*)((?:\s[^<>]*)?)>(.*)<\/\2>/.exec(line)
      if (match === null || !holdsSecret(line)) return line
      return `${match[1]}<!-- <${match[2]}${match[3]}/> -->`
    })
    .join('\n')
}
