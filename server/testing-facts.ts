/** Facts as values for tests of decisions, and the log of planted secrets. No database, no sockets. */
import { randomBytes } from 'node:crypto'
import { appendFileSync } from 'node:fs'
import { type MacAddress, parseMacAddress, parseProductName, parseSerialNumber } from '../protocol/identity.ts'
import { assert, type Millis } from '../protocol/result.ts'
import { DEFAULT_ACCOUNT_SETTINGS } from './accounts/mod.ts'
import type { AccountFacts, AccountSettings, Device, DeviceFacts, DeviceLine, DeviceSecrets } from './devices/mod.ts'
import type {
  CodeFacts,
  CustomerFacts,
  Evidence,
  Fetch,
  FetchFacts,
  FetchRequest,
  ProvenCertificate,
  WindowFacts,
} from './fetch/mod.ts'
import type { Layer, LayerParameter, LayerScope, PlatformFacts } from './profiles/mod.ts'

/** Notes a made-up secret, so that the whole output of the run can be searched for it. Returns it. */
export function plant(secret: string): string {
  const log = process.env['OFFHOOK_SECRET_LOG']
  if (log !== undefined) appendFileSync(log, `${secret.replaceAll('\n', ' ')}\n`)
  return secret
}

export const PN = productName('CP-8851-3PCC')

export function productName(text: string) {
  const name = parseProductName(text)
  assert(name !== undefined, `"${text}" is a product name`)
  return name
}

export function macOf(text: string): MacAddress {
  const mac = parseMacAddress(text)
  assert(mac !== undefined, `"${text}" is a MAC address`)
  return mac
}

export function serialOf(text: string) {
  const serial = parseSerialNumber(text)
  assert(serial !== undefined, `"${text}" is a serial number`)
  return serial
}

let lastMac = 0

/** A MAC address that no other test of this file has. */
export function freshMac(): MacAddress {
  lastMac += 1
  return macOf(
    lastMac
      .toString(16)
      .padStart(12, '0')
      .replace(/^000000/, '00562b'),
  )
}

export function serialFor(mac: MacAddress) {
  return serialOf(`FCH${mac.slice(4)}`)
}

/** What a good certificate of that phone proves. */
export function certificateOf(mac: MacAddress, more: Partial<ProvenCertificate> = {}): ProvenCertificate {
  return { mac, serial: serialFor(mac), productName: PN, caFingerprint: 'a'.repeat(64), expired: false, ...more }
}

/** A GET as a door hands it over; `target` is split as the door does. */
export function requestOf(target: string, more: Partial<FetchRequest> = {}): FetchRequest {
  const question = target.indexOf('?')
  return {
    door: 'https',
    method: 'GET',
    path: question < 0 ? target : target.slice(0, question),
    query: question < 0 ? '' : target.slice(question + 1),
    target,
    userAgent: undefined,
    peer: '192.0.2.7',
    certificate: undefined,
    authorization: undefined,
    range: undefined,
    body: undefined,
    ...more,
  }
}

export const PUBLIC_URL = 'https://prov.example.com'
export const PUBLIC_HTTP_URL = 'http://prov.example.com'
/** The time of pure tests. */
export const NOW: Millis = Date.UTC(2026, 0, 2, 3, 4, 5)
export const MAC = macOf('00562b043615')
export const OTHER_MAC = macOf('00562b0000ff')

export function platformFacts(more: Partial<PlatformFacts> = {}): PlatformFacts {
  return {
    publicUrl: PUBLIC_URL,
    publicHttpUrl: PUBLIC_HTTP_URL,
    ntpServer: undefined,
    customCaUrl: `${PUBLIC_HTTP_URL}/ca.pem`,
    markerKey: MARKER_KEY,
    resyncPeriodSeconds: 86_400,
    ...more,
  }
}

const MARKER_KEY = randomBytes(32)
plant(MARKER_KEY.toString('hex'))

export function accountFacts(id = 'acc_1', settings: Partial<AccountSettings> = {}): AccountFacts {
  return { id, customerId: `cust-${id}`, name: 'A & B Ltd', settings: { ...DEFAULT_ACCOUNT_SETTINGS, ...settings } }
}

/** Enough that no two of one device are the same; properties make thousands of devices. */
const MADE_UP_MAX = 256
const madeUpTexts: string[] = []
let madeUpCount = 0

/** 64 random hex digits, planted. */
function madeUp(): string {
  const index = madeUpCount++ % MADE_UP_MAX
  madeUpTexts[index] ??= plant(randomBytes(32).toString('hex'))
  return madeUpTexts[index]
}

/** Secrets that nobody chose: planted, so that any of them in the output is found. */
export function madeUpSecrets(generations: readonly number[] = [1]): DeviceSecrets {
  const word = () => `Aa1-${madeUp()}`
  return {
    adminPassword: word(),
    userPassword: word(),
    uidPassword: word(),
    profileKeys: new Map(generations.map((each) => [each, madeUp()])),
  }
}

export function lineOf(index: number, more: Partial<DeviceLine> = {}): DeviceLine {
  return {
    id: `line_${index}`,
    index,
    userId: `100${index}`,
    displayName: `Desk ${index}`,
    domain: 'sip.example.com',
    authId: undefined,
    outboundProxy: undefined,
    transport: undefined,
    password: madeUp(),
    ...more,
  }
}

/** A bound device of account `acc_1` with one line, unless told otherwise. */
export function deviceFacts(
  device: Partial<Device> = {},
  more: Partial<Omit<DeviceFacts, 'device'>> = {},
): DeviceFacts {
  const state = device.state ?? 'bound'
  const owned = state === 'bound' || state === 'disabled'
  return {
    device: {
      mac: MAC,
      serial: serialFor(device.mac ?? MAC),
      model: PN,
      accountId: owned ? 'acc_1' : undefined,
      heldAccountId: undefined,
      state,
      pinnedCa: undefined,
      profilePath: '0123456789abcdef0123456789abcdef',
      keyIssued: 1,
      keyConfirmed: 0,
      farewellOwed: false,
      servedVersion: undefined,
      runningVersion: undefined,
      ...device,
    },
    account: owned || device.accountId !== undefined ? accountFacts() : undefined,
    lines: state === 'bound' ? [lineOf(1)] : [],
    secrets: state === 'bound' ? madeUpSecrets() : undefined,
    layers: [],
    features: [],
    pastFeatures: [],
    ...more,
  }
}

export function layerOf(
  scope: LayerScope,
  parameters: Readonly<Record<string, string | LayerParameter>>,
  id = '-',
): Layer {
  const entries = Object.entries(parameters).map(
    ([element, value]) => [element, typeof value === 'string' ? { value } : value] as const,
  )
  return { scope, id, revisionId: 1, parameters: new Map(entries) }
}

export function codeFacts(more: Partial<CodeFacts> = {}): CodeFacts {
  return {
    id: 'code_1',
    account: accountFacts(),
    lineIds: [],
    expiresAt: NOW + 60_000,
    revoked: false,
    devices: 1,
    usedBy: [],
    ...more,
  }
}

export function customerFacts(windows: readonly Partial<WindowFacts>[] = [], account = accountFacts()): CustomerFacts {
  const open = { openedFrom: '192.0.2.99', until: NOW + 60_000, left: 1 }
  return { account, windows: windows.map((each, index) => ({ id: `win_${index + 1}`, ...open, ...each })) }
}

export interface Asked {
  readonly request?: Partial<FetchRequest>
  readonly evidence?: Evidence
  readonly facts?: Partial<FetchFacts>
  readonly now?: Millis
}

/** A fetch as a decision gets it; without evidence, nobody proved anything. */
export function fetchOf(target: string, { request, evidence, facts, now }: Asked = {}): Fetch {
  return {
    request: requestOf(target, request),
    evidence: evidence ?? { kind: 'none' },
    facts: {
      platform: platformFacts(),
      device: undefined,
      code: undefined,
      customer: undefined,
      firmware: undefined,
      wrongTokens: 0,
      staleNonce: false,
      ...facts,
    },
    now: now ?? NOW,
  }
}

export function certified(mac: MacAddress = MAC, more: Partial<ProvenCertificate> = {}): Evidence {
  return { kind: 'certified', certificate: certificateOf(mac, more) }
}
