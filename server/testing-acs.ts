/** A device on the other side of the ACS, for tests: what it answers is written down, its sockets are real. */
import { Agent as HttpAgent, type IncomingHttpHeaders, request as httpRequest } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { setTimeout as pause } from 'node:timers/promises'
import {
  CWMP_NAMESPACE,
  type CwmpBody,
  type CwmpBodyOf,
  type CwmpMessage,
  type CwmpRpc,
  readCwmp,
  writeCwmp,
} from '../protocol/cwmp/mod.ts'
import { digestAuthorization, parseAuthChallenges } from '../protocol/http/mod.ts'
import { assert } from '../protocol/result.ts'
import type { CertificatePair } from './pki/mod.ts'

/** For how often, and after how long, a device that was told to come later does so. */
const COMES_AGAIN = 100
const COMES_AGAIN_MS = 200

export interface AcsAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  readonly message: CwmpMessage | undefined
}

export interface AcsDeviceOptions {
  readonly port: number
  readonly oui: string
  readonly productClass: string
  readonly serial: string
  readonly tls?: { readonly ca: string; readonly pair?: CertificatePair | undefined }
  readonly credentials?: { readonly username: string; readonly password: string }
  /** The values of its tree by path, objects left out. */
  readonly values?: Readonly<Record<string, string>>
  readonly returnsCookies?: boolean
}

/** Speaks a session as it is told to; the tree answers for itself. */
export class AcsDevice {
  readonly values: Map<string, string>
  readonly notifications = new Map<string, number>()
  readonly heard: CwmpRpc[] = []
  parameterKey = ''
  readonly #options: AcsDeviceOptions
  #agent: HttpAgent | HttpsAgent
  #cookie: string | undefined
  #nonceCount = 0
  #challenge: string | undefined
  #ids = 0

  constructor(options: AcsDeviceOptions) {
    this.#options = options
    this.values = new Map(Object.entries(options.values ?? {}))
    this.#agent = this.#newAgent()
  }

  #newAgent(): HttpAgent | HttpsAgent {
    const { tls } = this.#options
    const common = { keepAlive: true, maxSockets: 1 }
    if (tls === undefined) return new HttpAgent(common)
    const { pair, ca } = tls
    return new HttpsAgent({ ...common, ca, ...(pair === undefined ? {} : { key: pair.keyPem, cert: pair.certPem }) })
  }

  get serial(): string {
    return this.#options.serial
  }

  /** Its connection is lost. */
  disconnect(): void {
    this.#agent.destroy()
    this.#agent = this.#newAgent()
  }

  close(): void {
    this.#agent.destroy()
  }

  /** The next request comes without an answer to any challenge. */
  forgetChallenge(): void {
    this.#challenge = undefined
  }

  forgetCookie(): void {
    this.#cookie = undefined
  }

  /** One POST, with the answer to a challenge when it is asked. */
  async post(body: Buffer | string, headers: Readonly<Record<string, string>> = {}): Promise<AcsAnswer> {
    const answer = await this.#send(body, headers)
    if (answer.status !== 401 || this.#options.credentials === undefined) return answer
    this.#challenge = String(answer.headers['www-authenticate'] ?? '')
    this.#nonceCount = 0
    return this.#send(body, headers)
  }

  #authorization(): string | undefined {
    const { credentials } = this.#options
    if (credentials === undefined || this.#challenge === undefined) return undefined
    const found = parseAuthChallenges(this.#challenge).find(({ scheme }) => scheme === 'digest')
    if (found?.scheme !== 'digest') return undefined
    this.#nonceCount += 1
    const answer = { ...credentials, method: 'POST', uri: '/', cnonce: 'c0ffee', nonceCount: this.#nonceCount }
    return digestAuthorization(found.challenge, answer)
  }

  /** Loses the request, or the answer to it, of one exchange by its number from 1. */
  loses: { readonly exchange: number; readonly what: 'request' | 'answer' } | undefined
  /** Exchanges so far. */
  exchanges = 0

  async #send(body: Buffer | string, headers: Readonly<Record<string, string>>): Promise<AcsAnswer> {
    this.exchanges += 1
    const what = this.loses?.exchange === this.exchanges ? this.loses.what : undefined
    const answer = what === 'request' ? undefined : await this.#exchange(body, headers)
    if (answer !== undefined && what === undefined) return answer
    this.disconnect()
    throw new Error(`The ${what} was lost`)
  }

  #exchange(body: Buffer | string, headers: Readonly<Record<string, string>>): Promise<AcsAnswer> {
    const { tls, port } = this.#options
    const authorization = this.#authorization()
    const sent = {
      ...(this.#cookie === undefined ? {} : { cookie: this.#cookie }),
      ...(authorization === undefined ? {} : { authorization }),
      ...headers,
    }
    return new Promise((known, failed) => {
      const options = { host: '127.0.0.1', port, method: 'POST', path: '/', headers: sent, agent: this.#agent }
      const ask = (tls === undefined ? httpRequest : httpsRequest)(options, (response) => {
        const pieces: Buffer[] = []
        response.on('data', (piece: Buffer) => pieces.push(piece))
        response.on('error', failed)
        response.on('end', () => known(this.#read(response.statusCode ?? 0, response.headers, Buffer.concat(pieces))))
      })
      ask.on('error', failed)
      ask.end(body)
    })
  }

  #read(status: number, headers: IncomingHttpHeaders, bytes: Buffer): AcsAnswer {
    const cookie = headers['set-cookie']?.[0]
    if (cookie !== undefined && this.#options.returnsCookies !== false) this.#cookie = cookie.split(';')[0]
    const message = status === 200 && bytes.length > 0 ? readCwmp(bytes, undefined) : undefined
    return { status, headers, text: bytes.toString(), message: message?.ok === true ? message.value : undefined }
  }

  say(body: CwmpBody, id = `d${++this.#ids}`): Promise<AcsAnswer> {
    return this.post(writeCwmp({ id, namespace: CWMP_NAMESPACE, headers: {}, body }), { 'content-type': 'text/xml' })
  }

  informOf(
    events: readonly (string | readonly [string, string])[],
    more: Partial<CwmpBodyOf<'Inform'>> = {},
  ): CwmpBodyOf<'Inform'> {
    const { oui, productClass, serial } = this.#options
    const shown = ['Device.DeviceInfo.SoftwareVersion', 'Device.ManagementServer.ConnectionRequestURL']
    const parameters = [
      { name: 'Device.ManagementServer.ParameterKey', type: 'string', value: this.parameterKey } as const,
      ...shown.map((name) => ({ name, type: 'string', value: this.values.get(name) ?? '' }) as const),
    ]
    return {
      kind: 'Inform',
      deviceId: { manufacturer: 'Cisco', oui, productClass, serialNumber: serial },
      events: events.map((event) =>
        typeof event === 'string' ? { code: event, commandKey: '' } : { code: event[0], commandKey: event[1] },
      ),
      maxEnvelopes: 1,
      currentTime: undefined,
      retryCount: 0,
      parameters,
      ...more,
    }
  }

  /** An Inform and its answer; told to come later by an ACS with other work, the device comes again, sooner than asked. */
  async #welcomed(inform: CwmpBody) {
    for (let left = COMES_AGAIN; ; left -= 1) {
      const answer = await this.say(inform)
      if (answer.status !== 503 || left === 0) return answer
      await pause(COMES_AGAIN_MS)
    }
  }

  /**
   * A whole session: Inform, reports, then what the ACS asks until it has nothing more.
   * @param answer undefined: the tree answers
   * @returns what was asked
   */
  async session(
    events: readonly (string | readonly [string, string])[],
    options: {
      readonly reports?: readonly CwmpRpc[]
      readonly answer?: (asked: CwmpRpc) => CwmpBody | undefined
    } = {},
  ): Promise<readonly CwmpRpc[]> {
    const asked: CwmpRpc[] = []
    const first = await this.#welcomed(this.informOf(events))
    assert(first.message?.body.kind === 'InformResponse', `an Inform is answered, not ${first.status} ${first.text}`)
    for (const report of options.reports ?? []) await this.say(report)
    let answer = await this.post('')
    while (answer.message !== undefined) {
      const { body, id } = answer.message
      assert(body.kind !== 'Fault' && body.kind !== 'Unknown', 'the ACS asks with known methods')
      asked.push(body)
      this.heard.push(body)
      answer = await this.say(options.answer?.(body) ?? this.answerTo(body), id)
    }
    assert(answer.status === 204, `the session ends with 204, not ${answer.status} ${answer.text}`)
    this.#cookie = undefined
    return asked
  }

  /** As a small obedient device does. */
  answerTo(asked: CwmpRpc): CwmpBody {
    switch (asked.kind) {
      case 'GetParameterNames':
        return { kind: 'GetParameterNamesResponse', parameters: this.#names(asked.path) }
      case 'GetParameterValues':
        return {
          kind: 'GetParameterValuesResponse',
          parameters: asked.names.flatMap((name) => this.#valuesBelow(name)),
        }
      case 'SetParameterValues':
        for (const { name, value } of asked.parameters) this.values.set(name, value)
        this.parameterKey = asked.parameterKey
        return { kind: 'SetParameterValuesResponse', status: 0 }
      case 'SetParameterAttributes':
        for (const { name, notification } of asked.parameters) this.notifications.set(name, notification)
        return { kind: 'SetParameterAttributesResponse' }
      case 'GetParameterAttributes':
        return { kind: 'GetParameterAttributesResponse', parameters: [] }
      case 'AddObject':
        return { kind: 'AddObjectResponse', instanceNumber: 1, status: 0 }
      case 'DeleteObject':
        return { kind: 'DeleteObjectResponse', status: 0 }
      case 'Download':
        return { kind: 'DownloadResponse', status: 1, startTime: undefined, completeTime: undefined }
      case 'Reboot':
        return { kind: 'RebootResponse' }
      case 'FactoryReset':
        return { kind: 'FactoryResetResponse' }
      default:
        return { kind: 'Fault', code: 9000, text: 'Method not supported', parameterFaults: [] }
    }
  }

  #names(path: string): { name: string; writable: boolean }[] {
    const names = new Set<string>()
    for (const leaf of this.values.keys()) {
      if (!leaf.startsWith(path)) continue
      for (let dot = leaf.indexOf('.', path.length); dot !== -1; dot = leaf.indexOf('.', dot + 1)) {
        names.add(leaf.slice(0, dot + 1))
      }
      names.add(leaf)
    }
    return [...names].map((name) => ({ name, writable: !name.endsWith('.') }))
  }

  #valuesBelow(name: string): { name: string; type: 'string'; value: string }[] {
    return [...this.values]
      .filter(([path]) => (name === '' || name.endsWith('.') ? path.startsWith(name) : path === name))
      .map(([path, value]) => ({ name: path, type: 'string', value }))
  }
}
