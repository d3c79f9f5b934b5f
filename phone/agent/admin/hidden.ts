/**
 * Keys and passwords that stand inside other text, above all `--key` and `--pwd` in profile rules (MPP §4.4): pages show
 * a mask in their place, the export leaves such an element out like any other secret (MPP §1.8).
 */

/** Stands where something is hidden. */
export const MASK = '********'

/** The arguments of options, in plain text and in escaped XML. A macro such as $SA is no secret by itself. */
const OPTION = /(--(?:key|pwd)\s+)(?:"[^"]*"|&quot;.*?&quot;|(?!\$\(?[A-Z]+\)?(?:[\s\]]|$))[^\s\]"]+)/gi
const USER_INFO = /(:\/\/[^\s/:@]*:)[^\s/@]+(?=@)/g

/** @returns the text with each literal key and password replaced by MASK. */
export function withoutSecrets(text: string): string {
  return text.replace(OPTION, `$1${MASK}`).replace(USER_INFO, `$1${MASK}`)
}

/** An exported profile in which elements that hold such a secret are comments, so that importing it again keeps them. */
export function exportWithoutSecrets(xml: string): string {
  return xml
    .split('\n')
    .map((line) => {
      const match = /^(\s*)<([A-Za-z][\w.-]*)((?:\s[^<>]*)?)>(.*)<\/\2>/.exec(line)
      if (match === null || withoutSecrets(line) === line) return line
      return `${match[1]}<!-- <${match[2]}${match[3]}/> -->`
    })
    .join('\n')
}
