/**
 * Asks a Kamailio which contacts an address of record has, by the JSON-RPC of its `jsonrpcs` module over `xhttp`.
 * Source: Kamailio's `usrloc` module, RPC command `ul.lookup`.
 */
import { utf8Bytes, utf8Text } from '../../../protocol/bytes.ts'
import { err, ok, type Millis, type Result } from '../../../protocol/result.ts'
import { guardedRequest } from '../../outbound/mod.ts'
import type { AskedLine, RegistrarFeed, RegistrationSeen } from '../../store/mod.ts'

const TIMEOUT_MS: Millis = 5000
/** Contacts of one line; a few hundred bytes each. */
const ANSWER_BYTES_MAX = 256 * 1024
const TEXT_CHARS_MAX = 255
/** Kamailio has no code of its own for it: 500 here, 404 in other releases. */
const NOBODY = /not found/i

/** @returns what the registrar knows of the line, or a sentence that says why it could not be asked */
export async function askKamailio(
  feed: RegistrarFeed,
  line: AskedLine,
  allow: readonly string[],
  now: Millis,
): Promise<Result<RegistrationSeen, string>> {
  const aor = feed.domains ? `${line.userId}@${hostOf(line.domain)}` : line.userId
  const question = { jsonrpc: '2.0', method: 'ul.lookup', params: ['location', aor], id: 1 }
  const answer = await guardedRequest({
    url: feed.url,
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: utf8Bytes(JSON.stringify(question)),
    timeoutMs: TIMEOUT_MS,
    answerBytesMax: ANSWER_BYTES_MAX,
    allow,
  })
  if (!answer.ok) return err(answer.error.message)
  const json = readJson(answer.value.body)
  return json === undefined ? err(`It answered ${answer.value.status} and no JSON`) : readLookup(json, line.lineId, now)
}

/** Pure: what an answer to `ul.lookup` says. Tolerates any JSON. */
export function readLookup(json: unknown, lineId: string, now: Millis): Result<RegistrationSeen, string> {
  const problem = field(field(json, 'error'), 'message')
  if (problem !== undefined) {
    const reason = plain(problem) ?? 'no reason'
    return NOBODY.test(reason) ? ok(nobody(lineId)) : err(`It refuses: ${reason}`)
  }
  const contacts = field(field(json, 'result'), 'Contacts')
  if (!Array.isArray(contacts)) return err('Its answer has no contacts')
  const live = contacts.flatMap((each: unknown) => contactOf(field(each, 'Contact'), now))
  // The one that lasts longest is the phone of now.
  const [best] = live.toSorted(
    (a, b) => (b.expiresAt ?? Number.MAX_SAFE_INTEGER) - (a.expiresAt ?? Number.MAX_SAFE_INTEGER),
  )
  return ok(best === undefined ? nobody(lineId) : { lineId, registered: true, ...best })
}

function contactOf(contact: unknown, now: Millis): readonly Omit<RegistrationSeen, 'lineId' | 'registered'>[] {
  const address = plain(field(contact, 'Address'))
  const expires = field(contact, 'Expires')
  // "permanent" has no end; "expired" and "deleted" are about to go.
  const isLive = typeof expires === 'number' ? expires > 0 : expires === 'permanent'
  if (address === undefined || !isLive) return []
  const expiresAt = typeof expires === 'number' ? now + Math.min(expires, 2_000_000) * 1000 : undefined
  return [{ contact: address, userAgent: plain(field(contact, 'User-Agent')), expiresAt }]
}

function nobody(lineId: string): RegistrationSeen {
  return { lineId, registered: false, contact: undefined, userAgent: undefined, expiresAt: undefined }
}

function hostOf(domain: string): string {
  return domain.replace(/:[0-9]{1,5}$/, '')
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined
}

/** Words of others: one line, not too long; PostgreSQL takes no NUL. */
function plain(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined
  const text = value.replace(/[\u0000-\u001f\u007f]+/g, ' ').slice(0, TEXT_CHARS_MAX)
  return text === '' ? undefined : text
}

function readJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(utf8Text(bytes) ?? '')
  } catch {
    // The caller says so.
    return undefined
  }
}
