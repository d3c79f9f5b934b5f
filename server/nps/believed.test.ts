import { describe, expect, it } from 'vitest'
import { sealSalted } from '../../protocol/envelope/mod.ts'
import { type Evidence, type FetchAnswer, type FetchCommit, routePath } from '../fetch/mod.ts'
import {
  accountFacts,
  type Asked,
  certified,
  certificateOf,
  deviceFacts,
  fetchOf,
  MAC,
  OTHER_MAC,
} from '../testing-facts.ts'
import { answerFetch, type NpsRoute } from './answer.ts'

function ask(target: string, asked: Asked): FetchAnswer {
  const fetch = fetchOf(target, asked)
  return answerFetch(routePath(fetch.request.path, fetch.request.query) as NpsRoute, fetch)
}

const allowing = { account: accountFacts('acc_1', { credentialed: true }) }
const device = deviceFacts({ keyIssued: 2, keyConfirmed: 1 }, { ...allowing, secrets: secretsOfTwo() })
const PATH = device.device.profilePath
const SAYS = 'v=0123456789abcdef&why=1&fw=sip88xx.12-0-2&reg=7&k=2'

function secretsOfTwo() {
  const one = deviceFacts().secrets
  const two = deviceFacts().secrets
  if (one === undefined || two === undefined) throw new Error('a bound device has secrets')
  return {
    ...one,
    profileKeys: new Map([
      [1, key(one)],
      [2, key(two)],
    ]),
  }
}

function key(secrets: { readonly profileKeys: ReadonlyMap<number, string> }): string {
  return secrets.profileKeys.get(1) ?? ''
}

const BELIEVED: readonly (readonly [string, Evidence])[] = [
  ['a certified', certified()],
  ['a credentialed', { kind: 'credentialed', mac: MAC }],
]
const NOT_BELIEVED: readonly (readonly [string, Evidence])[] = [
  ['a merely claimed', { kind: 'claimed', mac: MAC }],
  ['an anonymous', { kind: 'none' }],
  ["another phone's credentialed", { kind: 'credentialed', mac: OTHER_MAC }],
]

function kinds(answer: FetchAnswer): readonly FetchCommit['kind'][] {
  return answer.commits.map(({ kind }) => kind)
}

describe('what may be believed: the query of our own rule', () => {
  it.each(BELIEVED)('marker, cause, firmware and registration of %s request are believed', (_who, evidence) => {
    const answer = ask(`/cisco-init?${SAYS}`, { evidence, facts: { device } })
    expect(answer.observations).toMatchObject([
      {
        trust: evidence.kind,
        runningVersion: '0123456789abcdef',
        cause: '1',
        firmware: 'sip88xx.12-0-2',
        registrationSeconds: 7,
      },
    ])
    expect(answer.events.map(({ name }) => name)).toContain('profile.running')
  })

  it.each(BELIEVED)('%s request that names the new key generation confirms it', (_who, evidence) => {
    const answer = ask(`/cisco-ack?${SAYS}`, { evidence, facts: { device } })
    expect(answer.commits).toEqual([{ kind: 'confirm-key', mac: MAC, generation: 2 }])
    expect(answer.events.map(({ name }) => name)).toContain('key.confirmed')
  })

  it.each(NOT_BELIEVED)('%s request for the sealed profile moves nothing', (_who, evidence) => {
    const answer = ask(`/s/${PATH}.cfg?${SAYS}`, { evidence, facts: { device } })
    expect(answer.content.kind).toBe('own-profile')
    expect(answer.commits).toEqual([])
    expect(answer.events).toEqual([])
    expect(answer.observations.map(({ trust }) => trust)).toEqual(['claimed'])
  })

  it.each(NOT_BELIEVED)('%s request at /cisco-ack gets its empty profile and is not noted', (_who, evidence) => {
    const answer = ask(`/cisco-ack?${SAYS}`, { evidence, facts: { device } })
    expect(answer).toMatchObject({ content: { kind: 'empty-profile' }, commits: [], events: [], observations: [] })
  })

  it('a generation that was never issued confirms nothing', () => {
    const answer = ask('/cisco-ack?k=3', { evidence: certified(), facts: { device } })
    expect(answer.commits).toEqual([])
  })

  it('a generation that is confirmed already is not confirmed again', () => {
    const answer = ask('/cisco-ack?k=1', { evidence: certified(), facts: { device } })
    expect(answer.commits).toEqual([])
  })

  it('credentials count for nothing where the account does not allow them', () => {
    const strict = { ...device, account: accountFacts() }
    const answer = ask(`/cisco-ack?${SAYS}`, {
      evidence: { kind: 'credentialed', mac: MAC },
      facts: { device: strict },
    })
    expect(answer).toMatchObject({ content: { kind: 'empty-profile' }, commits: [], observations: [] })
  })

  it.each([
    ['v=xyz', 'runningVersion'],
    ['v=0123456789ABCDEF', 'runningVersion'],
    ['fw=<b>', 'firmware'],
    ['why=99999', 'cause'],
    ['reg=-1', 'registrationSeconds'],
    ['reg=1e9', 'registrationSeconds'],
    ['k=%zz', 'keyGeneration'],
  ])('malformed "%s" counts as not said', (query, property) => {
    const [observation] = ask(`/cisco-ack?${query}`, { evidence: certified(), facts: { device } }).observations
    expect(observation).not.toHaveProperty(property)
  })

  it('a phone under another CA is not believed', () => {
    const pinned = { ...device, device: { ...device.device, pinnedCa: 'c'.repeat(64) } }
    const answer = ask(`/cisco-ack?${SAYS}`, { evidence: certified(), facts: { device: pinned } })
    expect(answer).toMatchObject({ commits: [], observations: [] })
  })
})

const STATUS =
  '<flat-status><Software_Version>sip88xx.12-0-2</Software_Version><Registration_State_1_>registered</Registration_State_1_></flat-status>'
const DELTA = '<flat-profile><GPP_P ua="na">fedcba9876543210</GPP_P></flat-profile>'
const bytes = (text: string) => new TextEncoder().encode(text)

function report(body: Uint8Array, asked: Asked, path = `/report/${PATH}`): FetchAnswer {
  return ask(path, { ...asked, request: { method: 'PUT', body, ...asked.request } })
}

describe('what may be believed: reports', () => {
  it.each(BELIEVED)('the body of %s phone is believed', (_who, evidence) => {
    const answer = report(bytes(STATUS), { evidence, facts: { device } })
    expect(answer.content.kind).toBe('report-taken')
    expect(answer.observations).toMatchObject([
      { trust: evidence.kind, firmware: 'sip88xx.12-0-2', registrationSeconds: 0 },
    ])
  })

  it('a certified phone may leave its path out', () => {
    expect(report(bytes(DELTA), { evidence: certified(), facts: { device } }, '/report').content.kind).toBe(
      'report-taken',
    )
  })

  it('a configuration report names the marker that the phone runs', () => {
    const [observation] = report(bytes(DELTA), { evidence: certified(), facts: { device } }).observations
    expect(observation?.runningVersion).toBe('fedcba9876543210')
  })

  it.each(['tftp', 'http'] as const)('a body sealed with its key is believed by %s, and confirms the key', (door) => {
    const sealed = sealSalted(bytes(DELTA), device.secrets?.profileKeys.get(2) ?? '', new Uint8Array(8))
    const answer = report(sealed, { request: { door }, facts: { device } })
    expect(kinds(answer)).toEqual(['store-report', 'confirm-key'])
    expect(answer.observations).toMatchObject([{ trust: 'sealed', runningVersion: 'fedcba9876543210' }])
    expect(answer.events.map(({ name }) => name)).toEqual(['report.received', 'key.confirmed', 'profile.running'])
  })

  it('a sealed body is believed at the path of the MAC too; one that does not open is refused', () => {
    const sealed = sealSalted(bytes(DELTA), device.secrets?.profileKeys.get(2) ?? '', new Uint8Array(8))
    const path = `/report/${device.device.mac}.xml`
    expect(report(sealed, { facts: { device } }, path).content.kind).toBe('report-taken')
    expect(report(bytes(DELTA), { facts: { device } }, path).content.kind).toBe('refusal')
  })

  it('the query beside a sealed body is not sealed, so it is not believed', () => {
    const sealed = sealSalted(bytes(DELTA), device.secrets?.profileKeys.get(1) ?? '', new Uint8Array(8))
    const answer = report(sealed, { facts: { device } }, `/report/${PATH}?fw=forged&reg=0&k=2`)
    expect(kinds(answer)).toEqual(['store-report'])
    expect(answer.observations[0]).not.toHaveProperty('firmware')
    expect(answer.observations[0]).not.toHaveProperty('registrationSeconds')
  })

  it.each(NOT_BELIEVED)('%s body in clear is refused', (_who, evidence) => {
    expect(report(bytes(STATUS), { evidence, facts: { device } })).toMatchObject({
      content: { kind: 'refusal' },
      commits: [],
    })
  })

  it('a body under a key that is not the device’s is refused', () => {
    const sealed = sealSalted(bytes(STATUS), 'f'.repeat(64), new Uint8Array(8))
    expect(report(sealed, { facts: { device } })).toMatchObject({
      content: { kind: 'refusal', reason: 'bad-report' },
      commits: [],
    })
  })

  it("another phone's certificate at this phone's report path is refused with an event in both timelines", () => {
    const answer = report(bytes(STATUS), { evidence: certified(OTHER_MAC), facts: { device } })
    expect(answer.content.kind).toBe('refusal')
    expect(answer.commits).toEqual([])
    const macs = answer.events.filter(({ name }) => name === 'identity.mismatch').map(({ mac }) => mac)
    expect(macs).toEqual([OTHER_MAC, MAC])
  })

  it('an empty body, a GET and a device that is not bound are refused', () => {
    const held = deviceFacts({ state: 'held', heldAccountId: 'acc_1' })
    expect(report(bytes(''), { evidence: certified(), facts: { device } }).content.kind).toBe('refusal')
    expect(ask(`/report/${PATH}`, { evidence: certified(), facts: { device } }).content.kind).toBe('refusal')
    expect(report(bytes(STATUS), { evidence: certified(), facts: { device: held } }).content.kind).toBe('refusal')
  })

  it('by TFTP only reports may be written', () => {
    const put = { method: 'PUT', door: 'tftp', body: bytes(DELTA) } as const
    expect(ask('/8851-3PCC.xml', { request: put }).content.kind).toBe('refusal')
  })
})

describe("another phone's certificate at this phone's URL", () => {
  const targets = [`/s/${PATH}.cfg?k=2`, `/any/${MAC}.cfg`, `/${MAC}.xml`]
  it.each(targets)('gets nothing at %s, and both timelines say so', (target) => {
    const stranger = { kind: 'certified', certificate: certificateOf(OTHER_MAC) } as const
    const answer = ask(target, { evidence: stranger, facts: { device: target.startsWith('/s/') ? device : undefined } })
    expect(answer.content).toEqual({ kind: 'refusal', reason: 'identity-mismatch' })
    expect(answer.commits).toEqual([])
    expect(answer.observations).toEqual([])
    const macs = answer.events.filter(({ name }) => name === 'identity.mismatch').map(({ mac }) => mac)
    expect(macs).toEqual([OTHER_MAC, MAC])
  })
})
