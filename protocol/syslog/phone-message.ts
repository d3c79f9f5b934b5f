/**
 * The six messages by which a phone tells of resyncs and upgrades, in the words of the factory texts and of our own.
 * Source: MPP §12.1 (`Log_Request_Msg` to `Log_Upgrade_Failure_Msg`).
 */
import { redactSyslog } from './redact.ts'

export type PhoneMessageKind =
  | 'resync-requested'
  | 'resync-succeeded'
  | 'resync-failed'
  | 'upgrade-requested'
  | 'upgrade-succeeded'
  | 'upgrade-failed'
  /** Any other text. */
  | 'other'

/** Every text in it is redacted and short. */
export interface PhoneMessage {
  readonly kind: PhoneMessageKind
  readonly scheme: string | undefined
  /** Host of the URL. */
  readonly host: string | undefined
  readonly port: number | undefined
  /** Last part of the path, where the text has a path. */
  readonly file: string | undefined
  /** `$ERR`. */
  readonly error: string | undefined
  readonly text: string
}

/** Characters that are kept of a text. */
const TEXT_CHARS_MAX = 240
const WORD_CHARS_MAX = 120

const KINDS: readonly (readonly [RegExp, PhoneMessageKind])[] = [
  [/\brequesting resync\b/i, 'resync-requested'],
  [/\bsuccessful resync\b/i, 'resync-succeeded'],
  [/\bresync failed\b/i, 'resync-failed'],
  [/\brequesting upgrade\b/i, 'upgrade-requested'],
  [/\bsuccessful upgrade\b/i, 'upgrade-succeeded'],
  [/\bupgrade failed\b/i, 'upgrade-failed'],
]

/** @param text of `parseSyslog`. Never throws. */
export function readPhoneMessage(text: string): PhoneMessage {
  const clean = redactSyslog(text)
  const short = clean.slice(0, TEXT_CHARS_MAX)
  const found = KINDS.map(([form, kind]) => ({ kind, match: form.exec(clean) })).find(({ match }) => match !== null)
  if (found?.match === undefined || found.match === null) {
    return { kind: 'other', ...NOTHING, text: short }
  }
  const rest = clean.slice(found.match.index + found.match[0].length).replace(/^[:\s]+/, '')
  const failed = found.kind.endsWith('-failed')
  return {
    kind: found.kind,
    ...(failed ? { ...NOTHING, error: word(rest) } : { ...urlOf(rest), error: word(/ -- (.*)$/.exec(rest)?.[1]) }),
    text: short,
  }
}

const NOTHING = { scheme: undefined, host: undefined, port: undefined, file: undefined, error: undefined } as const

function urlOf(text: string): Pick<PhoneMessage, 'scheme' | 'host' | 'port' | 'file'> {
  const match = /^([a-z]{3,6}):\/\/(\[[0-9a-f:.]+\]|[^\s/:?]+)(?::([0-9]{1,5}))?(\/[^\s?]*)?/i.exec(text)
  if (match === null) return NOTHING
  const [, scheme = '', host = '', port, path = ''] = match
  // MPP §12.1: the seen text ends in a full stop.
  const file = path.replace(/\.$/, '').split('/').at(-1)
  return {
    scheme: scheme.toLowerCase(),
    host: word(host),
    port: port === undefined || Number(port) > 65_535 ? undefined : Number(port),
    file: word(file),
  }
}

function word(text: string | undefined): string | undefined {
  const trimmed = text?.trim().slice(0, WORD_CHARS_MAX)
  return trimmed === undefined || trimmed === '' ? undefined : trimmed
}
