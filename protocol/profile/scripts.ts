/** The small script languages inside values (MPP §14): tones, cadences, rings, keys, daylight saving time. */

// MPP §14: CadScript and FreqScript are up to 127 characters.
const SCRIPT_MAX = 127

// Seconds with up to three decimals, or `*` for ever.
const SPAN = String.raw`(?:\d{1,5}(?:\.\d{1,3})?|\.\d{1,3}|\*)`
const FREQUENCY = String.raw`\d{1,5}@[+-]?\d{1,2}(?:\.\d)?`
const FREQUENCIES = `${FREQUENCY}(?:,${FREQUENCY}){0,5}`
const CADENCE = String.raw`${SPAN}\(${SPAN}/${SPAN}(?:,${SPAN}/${SPAN}){0,5}\)`
const TONE_SEGMENT = String.raw`${SPAN}/${SPAN}/\d(?:\+\d){0,5}`
const TONE_CADENCE = String.raw`${SPAN}\(${TONE_SEGMENT}(?:,${TONE_SEGMENT}){0,5}\)`

const CAD_SCRIPT = new RegExp(`^${CADENCE}(?:;${CADENCE})?;?$`)
const FREQ_SCRIPT = new RegExp(`^${FREQUENCIES}$`)
const TONE_SCRIPT = new RegExp(`^${FREQUENCIES};${TONE_CADENCE}(?:;${TONE_CADENCE})?;?$`)

/** `60(2/4)`: sections of on and off, in seconds. */
export function isCadScript(value: string): boolean {
  return value.length <= SCRIPT_MAX && CAD_SCRIPT.test(value)
}

/** `350@-19,440@-19`: up to six frequencies in Hz with their level in dBm. */
export function isFreqScript(value: string): boolean {
  return value.length <= SCRIPT_MAX && FREQ_SCRIPT.test(value)
}

/** `350@-19,440@-19;10(*\/0/1+2)`: frequencies, then cadences that name which of them sound. */
export function isToneScript(value: string): boolean {
  return value.length <= 2 * SCRIPT_MAX && TONE_SCRIPT.test(value)
}

/** `n=Chirp 1;w=file://chirp1.raw;c=1`: name, sound and cadence 1 to 9. */
export function isRingScript(value: string): boolean {
  const fields = fieldsOf(value)
  if (fields === undefined || fields.some(([key]) => !'nwc'.includes(key))) return false
  return fields.every(([key, text]) => key !== 'c' || /^[1-9]$/.test(text))
}

/** `fnc=blf+sd+cp;sub=101@$PROXY;nme=Bob`: what a key does. */
export function isFunctionScript(value: string): boolean {
  const fields = fieldsOf(value)
  const functions = fields?.find(([key]) => key === 'fnc')?.[1]
  return functions !== undefined && /^[a-z0-9-]{1,32}(?:\+[a-z0-9-]{1,32}){0,7}$/i.test(functions)
}

/** `hold|1;endcall|2;dnd;`: softkeys, each with its position where it must have one. */
export function isSoftkeyList(value: string): boolean {
  return /^[A-Za-z0-9_-]{1,32}(?:\|\d{1,2})?(?:;\s*[A-Za-z0-9_-]{1,32}(?:\|\d{1,2})?)*;?$/.test(value)
}

/** `key=value` pairs with `;` between them, or undefined where a pair has no key. */
function fieldsOf(value: string): readonly (readonly [string, string])[] | undefined {
  const fields: (readonly [string, string])[] = []
  for (const part of value.split(';')) {
    const field = part.trim()
    if (field === '') continue
    const equals = field.indexOf('=')
    if (equals < 1 || !/^[A-Za-z0-9_-]{1,32}$/.test(field.slice(0, equals))) return undefined
    fields.push([field.slice(0, equals), field.slice(equals + 1)])
  }
  return fields.length === 0 ? undefined : fields
}

const CLOCK = String.raw`(\d{1,2})(?::(\d{1,2})(?::(\d{1,2}))?)?`
const DST_DAY = new RegExp(String.raw`^(\d{1,2})/(-?\d{1,2})/(\d)(?:/${CLOCK})?$`)
const DST_SAVE = new RegExp(`^[+-]?${CLOCK}$`)

/** `start=3/-1/7/2;end=10/-1/7/2;save=1`: month, day, weekday and time at which the clock changes, and by how much. */
export function isDstRule(value: string): boolean {
  const fields = fieldsOf(value)
  if (fields?.length !== 3) return false
  const [start, end, save] = ['start', 'end', 'save'].map((name) => fields.find(([key]) => key === name)?.[1])
  return isDstDay(start) && isDstDay(end) && isClock(DST_SAVE.exec(save ?? '')?.slice(1))
}

function isDstDay(text: string | undefined): boolean {
  const match = DST_DAY.exec(text ?? '')
  if (match === null) return false
  const [month = 0, day = 0, weekday = 0] = match.slice(1, 4).map(Number)
  const isDate = month >= 1 && month <= 12 && day !== 0 && Math.abs(day) <= 31 && weekday <= 7
  return isDate && (match[4] === undefined || isClock(match.slice(4)))
}

function isClock(parts: readonly (string | undefined)[] | undefined): boolean {
  if (parts === undefined) return false
  const [hours = 0, minutes = 0, seconds = 0] = parts.map((part) => Number(part ?? 0))
  return hours <= 24 && minutes <= 59 && seconds <= 59
}

/** `(*xx|[3469]11|<9:>xxxxxxx.S0)`: alternatives in one pair of parentheses, sets and replacements closed. */
export function isDialPlan(value: string): boolean {
  const plan = value.trim()
  if (!plan.startsWith('(') || !plan.endsWith(')')) return false
  const closers: string[] = []
  for (const [at, character] of plan.split('').entries()) {
    const closer = { '(': ')', '[': ']', '<': '>' }[character]
    if (closer !== undefined) closers.push(closer)
    else if (')]>'.includes(character) && closers.pop() !== character) return false
    if (closers.length === 0 && at < plan.length - 1) return false
  }
  return closers.length === 0
}
