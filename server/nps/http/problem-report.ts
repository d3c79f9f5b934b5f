/**
 * `/prt` and `/prt/<mac>`: the archive of a phone's problem report tool, by POST or PUT, as a form or bare. From a phone
 * that proved itself; from one that only claims a MAC when its account allows that. Every refusal looks like any other.
 * Source: MPP §12.3.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { Busboy } from '@fastify/busboy'
import { type MacAddress, parseMacAddress } from '../../../protocol/identity.ts'
import { parseUserAgent } from '../../../protocol/http/mod.ts'
import { type DeviceFacts, plainAddress } from '../../devices/mod.ts'
import {
  checkCredentials,
  credentialedMac,
  type FetchRequest,
  provedByCredentials,
  standingOf,
  strangerEvents,
} from '../../fetch/mod.ts'
import {
  type NewProblemReport,
  PROBLEM_REPORT_BYTES_MAX,
  ProblemReportRefused,
  type ProblemReportStore,
  storeProblemReport,
} from '../../store/mod.ts'
import type { ServeContext } from '../serve.ts'
import { refuse, unavailable } from './respond.ts'

/** Archives that are taken at once, each a stream to disk. */
const AT_ONCE_MAX = 8
/** What a form may hold beside its file. */
const FORM_LIMITS = { fields: 16, fieldNameSize: 100, fieldSize: 1024, parts: 20, headerPairs: 20, files: 4 } as const
const NAME_CHARS_MAX = 100
/** Bytes of a form around its file. */
const FORM_BYTES_MAX = 64 * 1024
const RETRY_AFTER_SECONDS = 300
const REFUSAL_AFTER_MS = 5

export interface ProblemReports extends ProblemReportStore {
  /** Who is being taken from, so that no phone takes more than one place. */
  readonly underWay: Set<MacAddress>
}

export interface ProblemReportDoor {
  readonly context: ServeContext
  readonly problemReports: ProblemReports
}

/** Only the path and the method decide, before anything is read. */
export function isProblemReport(message: IncomingMessage): boolean {
  return (message.method === 'POST' || message.method === 'PUT') && /^\/prt(?:[/?]|$)/.test(message.url ?? '')
}

/** @returns the word of what was answered. Throws only when the machine failed. */
export async function takeProblemReport(
  { context, problemReports }: ProblemReportDoor,
  request: FetchRequest,
  message: IncomingMessage,
  response: ServerResponse,
): Promise<'empty' | 'refused' | 'later'> {
  const cameAt = performance.now()
  const sender = await senderOf(context, request)
  const announced = Number(message.headers['content-length'] ?? 0)
  if (sender === undefined || announced > PROBLEM_REPORT_BYTES_MAX + FORM_BYTES_MAX) return refused(response, cameAt)
  const { mac } = sender
  const { underWay } = problemReports
  if (underWay.size >= AT_ONCE_MAX || underWay.has(mac)) return later(response)
  underWay.add(mac)
  try {
    const file = await fileIn(message)
    if (file === undefined) throw new ProblemReportRefused('no-archive')
    await storeProblemReport(problemReports, { ...sender, name: file.name }, file.bytes)
    response.writeHead(200, { 'content-length': 0, 'cache-control': 'no-store' }).end()
    return 'empty'
  } catch (error) {
    if (!(error instanceof ProblemReportRefused)) throw error
    note(context, sender, error.reason)
    return error.reason === 'no-room' ? later(response) : await refused(response, cameAt)
  } finally {
    underWay.delete(mac)
  }
}

type Sender = Omit<NewProblemReport, 'name'>

async function senderOf(context: ServeContext, request: FetchRequest): Promise<Sender | undefined> {
  const named = namedIn(request.path)
  if (named === 'nobody') return undefined
  const { certificate, peer } = request
  const now = context.now()
  if (certificate !== undefined) {
    if (named !== undefined && named !== certificate.mac) {
      context.store.note(
        strangerEvents(certificate, named).map((event) => ({ ...event, peer })),
        [],
      )
      return undefined
    }
    const owner = await context.store.device(certificate.mac)
    return owner !== undefined && standingOf(certificate, owner) === 'bound'
      ? senderFrom(owner, 'certified', peer)
      : undefined
  }
  const mac = credentialedMac(request)
  const owner = mac === undefined ? undefined : await context.store.device(mac)
  if (owner !== undefined && (named ?? mac) === mac && hasCredentials(context, request, owner)) {
    return senderFrom(owner, 'credentialed', peer)
  }
  const claimed = named ?? parseUserAgent(request.userAgent ?? '')?.mac
  const device = claimed === undefined ? undefined : await context.store.device(claimed)
  const allowed = device?.device.state === 'bound' && device.account?.settings.claimedProblemReports === true
  return allowed && context.limits.claims.take(peer, now) ? senderFrom(device, 'claimed', peer) : undefined
}

function hasCredentials(context: ServeContext, request: FetchRequest, owner: DeviceFacts): boolean {
  const password = owner.secrets?.uidPassword
  if (password === undefined || !checkCredentials(request, password, context.now(), context.nonceKey)) return false
  return provedByCredentials({ kind: 'credentialed', mac: owner.device.mac }, owner)
}

function senderFrom({ device }: DeviceFacts, trust: Sender['trust'], peer: string): Sender {
  return { mac: device.mac, accountId: device.accountId, trust, peer: plainAddress(peer) }
}

/** The MAC of the path; `nobody` for a path that is none of ours. */
function namedIn(path: string): MacAddress | 'nobody' | undefined {
  const rest = path.replace(/^\/prt\/?/, '')
  return rest === '' ? undefined : (parseMacAddress(rest) ?? 'nobody')
}

interface ReceivedFile {
  readonly name: string
  readonly bytes: Readable
}

/** The first file of a form, whatever its field is called, or the whole body when it is no form. */
async function fileIn(message: IncomingMessage): Promise<ReceivedFile | undefined> {
  const type = message.headers['content-type'] ?? ''
  if (!/^multipart\/form-data\b/i.test(type)) return { name: plainName(undefined), bytes: message }
  return new Promise((found, failed) => {
    const form = formOf(type)
    if (form === undefined) {
      found(undefined)
      return
    }
    let file: Readable | undefined
    form.on('file', (_field, bytes, name) => {
      if (file !== undefined) {
        bytes.resume()
        return
      }
      file = bytes
      bytes.once('limit', () => bytes.destroy(new ProblemReportRefused('too-large')))
      found({ name: plainName(name), bytes })
    })
    form.once('finish', () => found(undefined))
    form.once('error', () => {
      file?.destroy(new ProblemReportRefused('no-archive'))
      found(undefined)
    })
    // A sender who goes away would leave the file open for ever.
    function wentAway(): void {
      if (message.complete) return
      const error = new Error('the sender went away')
      file?.destroy(error)
      failed(error)
    }
    message.once('close', wentAway)
    if (message.destroyed) wentAway()
    else message.pipe(form)
  })
}

function formOf(type: string): Busboy | undefined {
  try {
    return new Busboy({
      headers: { 'content-type': type },
      limits: { ...FORM_LIMITS, fileSize: PROBLEM_REPORT_BYTES_MAX + 1 },
    })
  } catch {
    // Its way to say that the header names no boundary.
    return undefined
  }
}

/** The name goes into an event and into the header of a download: letters, digits and `._-` only. */
function plainName(name: string | undefined): string {
  const last = (name ?? '').split(/[/\\]/).at(-1) ?? ''
  const plain = last.replace(/[^A-Za-z0-9._-]+/g, '_').replace(/^\.+/, '')
  return plain === '' ? 'probrep.tar.gz' : plain.slice(0, NAME_CHARS_MAX)
}

function note(context: ServeContext, { mac, accountId, trust, peer }: Sender, reason: string): void {
  const event = { name: 'problem-report.refused', trust, mac, accountId, peer, data: { reason } } as const
  context.store.note([event], [])
}

/** What is still on its way is not read. As late as any other refusal: what was looked up is not told by the time. */
async function refused(response: ServerResponse, cameAt: number): Promise<'refused'> {
  await pause(Math.max(0, Math.ceil(REFUSAL_AFTER_MS - (performance.now() - cameAt))))
  response.setHeader('connection', 'close')
  refuse(response)
  return 'refused'
}

function later(response: ServerResponse): 'later' {
  response.setHeader('connection', 'close')
  unavailable(response, RETRY_AFTER_SECONDS)
  return 'later'
}
