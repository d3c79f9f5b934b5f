/**
 * Firmware and hardware versions, MPP §4.3.
 *
 *     load     [sip<series> "."] 11-3-2MPP0001-609      as $SWVER gives it; the series is ignored when comparing
 *     printed  [sip<series> "."] 12.0.2MPP0001.116      the same in release notes
 *     dotted   2.0.1                                    $HWVER
 *
 * A rule compares like with like only: `$SWVER ge 11.0.0` is a format error. Outside rules, forms may be mixed.
 */

export type VersionForm = 'load' | 'printed' | 'dotted'

export interface VersionPart {
  /** Its leading digits. */
  readonly number: number
  /** What follows them, e.g. `MPP0001`. */
  readonly suffix: string
}

export interface Version {
  readonly form: VersionForm
  /** `sip88xx`, without the dot; undefined when it is not written. */
  readonly series: string | undefined
  /** Major, minor, micro, build, and further build text. */
  readonly parts: readonly VersionPart[]
}

/** The longest one seen has 42 characters. */
export const VERSION_CHARS_MAX = 80
/** Major, minor, micro, build and what a development build adds. */
const PARTS_MAX = 8
/** Major, minor, micro. */
const LOAD_PARTS_MIN = 3
/** Leading digits beyond this could not be told apart as numbers. */
const DIGITS_MAX = 15

/** @returns the version, or undefined when the text is not one, e.g. `11`, `2.0.6(b)` or a file name. */
export function parseVersion(text: string): Version | undefined {
  if (text.length > VERSION_CHARS_MAX) return undefined
  const series = /^(sip[A-Za-z0-9_]*)\.(?=[0-9])/.exec(text)?.[1]
  const rest = series === undefined ? text : text.slice(series.length + 1)
  if (/^[0-9]+(?:\.[0-9]+)+$/.test(rest))
    return series === undefined ? build('dotted', series, rest.split('.')) : undefined
  if (/^[0-9A-Za-z_]+(?:-[0-9A-Za-z_]+)+$/.test(rest)) return build('load', series, rest.split('-'))
  if (/^[0-9A-Za-z_]+(?:\.[0-9A-Za-z_]+)+$/.test(rest)) return build('printed', series, rest.split('.'))
  return undefined
}

function build(form: VersionForm, series: string | undefined, texts: readonly string[]): Version | undefined {
  const minimum = form === 'dotted' ? 2 : LOAD_PARTS_MIN
  if (texts.length < minimum || texts.length > PARTS_MAX) return undefined
  const parts: VersionPart[] = []
  for (const [index, text] of texts.entries()) {
    const digits = /^[0-9]*/.exec(text)?.[0] ?? ''
    // Each part must start with a digit; only the trailing text of a development build need not.
    if ((digits === '' && index < 4) || digits.length > DIGITS_MAX) return undefined
    parts.push({ number: Number(digits), suffix: text.slice(digits.length) })
  }
  return { form, series, parts }
}

/** Whether a rule may compare the two. Loads with and without their series, or of two series, are the same form. */
export function sameVersionForm(a: Version, b: Version): boolean {
  return a.form === b.form
}

/**
 * Compares part by part: digits as numbers, then the rest alphabetically.
 *
 * By this rule `11-0-0MPP` is after `11-0-0MN-1MPP`, although an older guide prints the opposite as its example; MPP §4.3
 * warns not to copy that. A missing part comes before any other; a missing part of a dotted version is 0.
 * @returns negative, zero or positive
 */
export function compareVersions(a: Version, b: Version): number {
  const length = Math.max(a.parts.length, b.parts.length)
  const filler = a.form === 'dotted' && b.form === 'dotted' ? { number: 0, suffix: '' } : { number: -1, suffix: '' }
  for (let index = 0; index < length; index += 1) {
    const order = compareParts(a.parts[index] ?? filler, b.parts[index] ?? filler)
    if (order !== 0) return order
  }
  return 0
}

function compareParts(a: VersionPart, b: VersionPart): number {
  if (a.number !== b.number) return a.number < b.number ? -1 : 1
  if (a.suffix === b.suffix) return 0
  return a.suffix < b.suffix ? -1 : 1
}
