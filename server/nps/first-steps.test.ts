import { describe, expect, it } from 'vitest'
import { type Evidence, type FetchAnswer, routePath } from '../fetch/mod.ts'
import {
  accountFacts,
  type Asked,
  certified,
  codeFacts,
  customerFacts,
  deviceFacts,
  fetchOf,
  MAC,
  NOW,
  OTHER_MAC,
  serialOf,
} from '../testing-facts.ts'
import { answerFetch, type NpsRoute } from './answer.ts'
import { WRONG_TOKENS_MAX } from './binding.ts'

function ask(target: string, asked: Asked): FetchAnswer {
  const fetch = fetchOf(target, { evidence: certified(), ...asked })
  return answerFetch(routePath(fetch.request.path, fetch.request.query) as NpsRoute, fetch)
}

function reason(answer: FetchAnswer): string {
  return answer.content.kind === 'refusal' ? answer.content.reason : answer.content.kind
}

const CODE = '/cisco-init/a-code'
const CUSTOMER = '/cisco-init/1234abcd'

describe('a one-time code [guide: Retail Distribution]', () => {
  it('binds a certified phone that nobody registered, with the lines of the code', () => {
    const answer = ask(CODE, { facts: { code: codeFacts({ lineIds: ['line_9'] }) } })
    expect(answer.content).toMatchObject({ kind: 'own-profile', envelope: { kind: 'clear' } })
    expect(answer.commits).toMatchObject([
      { kind: 'bind', accountId: 'acc_1', by: 'code', codeId: 'code_1', lineIds: ['line_9'] },
    ])
  })

  it('gives the same device the same profile again until its time ends: the first answer may be lost', () => {
    const again = ask(CODE, { facts: { device: deviceFacts(), code: codeFacts({ usedBy: [MAC] }) } })
    expect(again).toMatchObject({ content: { kind: 'own-profile' }, commits: [] })
  })

  it.each([
    ['past its time', { expiresAt: NOW }],
    ['revoked', { revoked: true }],
    ['used by another', { usedBy: ['00562b0000aa'] }],
  ])('is refused when it is %s', (_what, more) => {
    expect(reason(ask(CODE, { facts: { code: codeFacts(more as object) } }))).toBe('wrong-code')
  })

  it('is refused past its time also for the device that used it', () => {
    const facts = { device: deviceFacts(), code: codeFacts({ usedBy: [MAC], expiresAt: NOW }) }
    expect(reason(ask(CODE, { facts }))).toBe('wrong-code')
  })

  it('does not bring back a phone that was released since', () => {
    const facts = { device: deviceFacts({ state: 'released' }), code: codeFacts({ usedBy: [MAC], devices: 5 }) }
    expect(reason(ask(CODE, { facts }))).toBe('wrong-code')
  })

  it('binds a released phone when it is new', () => {
    const facts = { device: deviceFacts({ state: 'released' }), code: codeFacts() }
    expect(ask(CODE, { facts }).commits).toMatchObject([{ kind: 'bind' }])
  })

  it('may be good for several devices', () => {
    const three = { devices: 3, usedBy: [codeFacts().usedBy, ['00562b0000aa', '00562b0000bb']].flat() as never }
    expect(ask(CODE, { facts: { code: codeFacts(three) } }).commits).toHaveLength(1)
  })
})

describe('a code for one phone alone [guide: Manually Provision a Phone from the Keypad]', () => {
  const registered = deviceFacts({ state: 'known', accountId: 'acc_1' })
  const forIt = codeFacts({ forMac: MAC })

  it('binds that phone, which its account has registered', () => {
    const answer = ask(CODE, { facts: { device: registered, code: forIt } })
    expect(answer.commits).toMatchObject([{ kind: 'bind', accountId: 'acc_1', by: 'code', codeId: 'code_1' }])
  })

  it('gives the phone that is bound already its profile again', () => {
    const answer = ask(CODE, { facts: { device: deviceFacts(), code: forIt } })
    expect(answer).toMatchObject({ content: { kind: 'own-profile' }, commits: [] })
  })

  it.each([
    ['unknown', undefined],
    ['registered', registered],
    ['bound', deviceFacts()],
    ['held', deviceFacts({ state: 'held', accountId: undefined, heldAccountId: 'acc_1' })],
  ])('is refused to any other phone, also one of the account (%s); both timelines say so', (_what, device) => {
    const answer = ask(CODE, { facts: { device, code: codeFacts({ forMac: OTHER_MAC }) } })
    expect(reason(answer)).toBe('wrong-code')
    expect(answer.commits).toEqual([])
    const told = answer.events.filter(({ name }) => name === 'identity.mismatch')
    expect(told.map(({ mac }) => mac)).toEqual([MAC, OTHER_MAC])
  })

  it.each([
    ['past its time', { expiresAt: NOW }],
    ['revoked', { revoked: true }],
  ])('tells nothing to another phone when it is %s', (_what, more) => {
    const answer = ask(CODE, { facts: { code: codeFacts({ forMac: OTHER_MAC, ...more }) } })
    expect(reason(answer)).toBe('wrong-code')
    expect(answer.events.map(({ name }) => name)).toEqual(['fetch.refused'])
  })

  it.each([
    ['was released since', deviceFacts({ state: 'released', accountId: undefined })],
    ['was deleted since', undefined],
    ['belongs to nobody any more', deviceFacts({ state: 'known', accountId: undefined })],
  ])('does not bring back that phone when it %s', (_what, device) => {
    expect(reason(ask(CODE, { facts: { device, code: forIt } }))).toBe('wrong-code')
  })

  it('is refused when that phone has come to another account since', () => {
    const code = codeFacts({ forMac: MAC, account: accountFacts('acc_2') })
    expect(reason(ask(CODE, { facts: { device: registered, code } }))).toBe('bound-elsewhere')
  })

  it('is refused to a certificate of that MAC with another serial number', () => {
    const stranger = deviceFacts({ state: 'known', serial: serialOf('FCH9999ABCD') })
    expect(reason(ask(CODE, { facts: { device: stranger, code: forIt } }))).toBe('foreign-device')
  })
})

describe('a bound phone', () => {
  it.each(['/cisco-init', '/8851-3PCC.xml', '/CP-8851-3PCC.cfg', `/x/y/${MAC}.cfg`, `/${MAC}.xml`])(
    'is recognised by its certificate at %s',
    (target) => {
      expect(ask(target, { facts: { device: deviceFacts() } }).content.kind).toBe('own-profile')
    },
  )

  it('is recognised at a code-free link with the Customer ID, also without a window', () => {
    expect(ask(CUSTOMER, { facts: { device: deviceFacts(), customer: customerFacts() } }).content.kind).toBe(
      'own-profile',
    )
  })

  it.each([
    ['code', CODE, { code: codeFacts({ account: accountFacts('acc_2') }) }],
    ['Customer ID', CUSTOMER, { customer: customerFacts([{}], accountFacts('acc_2')) }],
  ])('is refused like a wrong code at the %s of another account, with an event for both', (_what, target, facts) => {
    const answer = ask(target, { facts: { device: deviceFacts(), ...facts } })
    expect(reason(answer)).toBe('bound-elsewhere')
    expect(answer.commits).toEqual([])
    const told = answer.events.filter(({ name }) => name === 'binding.refused')
    expect(told.map(({ accountId }) => accountId)).toEqual(['acc_1', 'acc_2'])
  })
})

describe('a Customer ID, which can be guessed', () => {
  it('gets a certified phone inside an open window held', () => {
    const answer = ask(CUSTOMER, { facts: { customer: customerFacts([{}]) } })
    expect(answer).toMatchObject({
      content: { kind: 'held-profile' },
      commits: [{ kind: 'hold', accountId: 'acc_1', windowId: 'win_1' }],
    })
  })

  it.each([
    ['closed', { until: NOW }],
    ['full', { left: 0 }],
  ])('is refused while the window is %s', (_what, window) => {
    expect(reason(ask(CUSTOMER, { facts: { customer: customerFacts([window]) } }))).toBe('wrong-customer-id')
  })

  it('is refused without a window', () => {
    expect(reason(ask(CUSTOMER, { facts: { customer: customerFacts() } }))).toBe('wrong-customer-id')
  })

  const PEERS: readonly (readonly [string, string, string])[] = [
    ['8.8.8.8', '8.8.8.8', 'own-profile'],
    ['8.8.8.8', '8.8.4.4', 'held-profile'],
    ['2001:4860:4860::8888', '2001:4860:4860::8888', 'own-profile'],
    ['127.0.0.1', '127.0.0.1', 'held-profile'],
    ['192.168.1.4', '192.168.1.4', 'held-profile'],
    ['10.0.0.1', '10.0.0.1', 'held-profile'],
    ['100.64.0.9', '100.64.0.9', 'held-profile'],
    ['172.20.0.1', '172.20.0.1', 'held-profile'],
    ['fd00::1', 'fd00::1', 'held-profile'],
    ['fe80::1', 'fe80::1', 'held-profile'],
    ['::1', '::1', 'held-profile'],
    ['', '', 'held-profile'],
  ]
  it.each(PEERS)(
    'opened from "%s" and asked from "%s" gives %s: only a public address is one subscriber',
    (openedFrom, peer, expected) => {
      const facts = { customer: customerFacts([{ openedFrom }]) }
      expect(ask(CUSTOMER, { request: { peer }, facts }).content.kind).toBe(expected)
    },
  )

  it('keeps a held phone held and takes no second place of the window', () => {
    const held = deviceFacts({ state: 'held', heldAccountId: 'acc_1' })
    const answer = ask(CUSTOMER, { facts: { device: held, customer: customerFacts([{}]) } })
    expect(answer).toMatchObject({ content: { kind: 'held-profile' }, commits: [] })
  })

  it.each(['/cisco-init', '/8851-3PCC.xml'])('a held phone gets the held profile at %s', (target) => {
    const held = deviceFacts({ state: 'held', heldAccountId: 'acc_1' })
    expect(ask(target, { facts: { device: held } })).toMatchObject({ content: { kind: 'held-profile' }, commits: [] })
  })
})

describe('a phone that was registered beforehand', () => {
  const registered = deviceFacts({ state: 'known', accountId: 'acc_1' })

  it.each(['/cisco-init', '/8851-3PCC.xml', `/a/${MAC}.cfg`])('is bound by its certificate alone at %s', (target) => {
    expect(ask(target, { facts: { device: registered } }).commits).toMatchObject([
      { kind: 'bind', by: 'registration', accountId: 'acc_1' },
    ])
  })

  it('is refused when the serial number is another, with an event', () => {
    const answer = ask('/cisco-init', {
      evidence: certified(MAC, { serial: 'FCH00000000' as never }),
      facts: { device: registered },
    })
    expect(reason(answer)).toBe('foreign-device')
    expect(answer.events.map(({ name }) => name)).toContain('identity.mismatch')
  })

  it('of nobody’s account is not bound', () => {
    expect(reason(ask('/cisco-init', { facts: { device: deviceFacts({ state: 'known' }) } }))).toBe('unknown-device')
  })
})

describe('a phone that was let go', () => {
  it.each(['released', 'disabled'] as const)(
    'gets one farewell when it was %s, which is committed as served',
    (state) => {
      const owed = deviceFacts({ state, farewellOwed: true })
      const answer = ask('/cisco-init', { facts: { device: owed } })
      expect(answer).toMatchObject({ content: { kind: 'farewell-profile' }, commits: [{ kind: 'farewell-served' }] })
      const after = deviceFacts({ state, farewellOwed: false })
      expect(reason(ask('/cisco-init', { facts: { device: after } }))).toBe(`${state}-device`)
    },
  )

  it('that fetches sealed files hears it sealed, and nothing is used up by whoever found the path', () => {
    const owed = {
      ...deviceFacts(),
      device: deviceFacts({ state: 'released', farewellOwed: true, keyConfirmed: 1 }).device,
    }
    const answer = ask(`/s/${owed.device.profilePath}.cfg?k=1`, { evidence: { kind: 'none' }, facts: { device: owed } })
    expect(answer).toMatchObject({
      content: { kind: 'farewell-profile', envelope: { kind: 'sealed', generation: 1 } },
      commits: [],
    })
  })

  it('is not told anything under another CA', () => {
    const owed = {
      ...deviceFacts(),
      device: deviceFacts({ state: 'released', farewellOwed: true, pinnedCa: 'c'.repeat(64) }).device,
    }
    expect(reason(ask(`/s/${owed.device.profilePath}.cfg?k=1`, { facts: { device: owed } }))).toBe('wrong-ca')
  })

  it('is refused with any code when it was disabled', () => {
    const facts = { device: deviceFacts({ state: 'disabled' }), code: codeFacts() }
    expect(reason(ask(CODE, { facts }))).toBe('disabled-device')
  })
})

describe('guards of binding', () => {
  it(`locks a certificate out after ${WRONG_TOKENS_MAX} wrong codes, right ones included`, () => {
    const code = codeFacts()
    expect(reason(ask(CODE, { facts: { code, wrongTokens: WRONG_TOKENS_MAX } }))).toBe('locked-out')
    expect(ask(CODE, { facts: { code, wrongTokens: WRONG_TOKENS_MAX - 1 } }).commits).toHaveLength(1)
  })

  it('does not shut a locked-out phone off from its own profile', () => {
    expect(ask('/cisco-init', { facts: { device: deviceFacts(), wrongTokens: WRONG_TOKENS_MAX } }).content.kind).toBe(
      'own-profile',
    )
  })

  it('pins a phone to the CA that it first proved itself with', () => {
    const pinned = deviceFacts({ pinnedCa: 'c'.repeat(64) })
    for (const target of ['/cisco-init', CODE, `/${MAC}.xml`]) {
      const answer = ask(target, { facts: { device: pinned, code: codeFacts() } })
      expect(reason(answer)).toBe('wrong-ca')
      expect(answer.events.map(({ name }) => name)).toContain('identity.wrong-ca')
    }
  })

  const EXPIRED: readonly (readonly [string, string, object, string])[] = [
    ['an own profile', '/cisco-init', { device: deviceFacts() }, 'expired-certificate'],
    ['an own profile', '/cisco-init', { device: deviceFacts({}, { account: accepting() }) }, 'own-profile'],
    ['a code', CODE, { code: codeFacts() }, 'expired-certificate'],
    ['a code', CODE, { code: codeFacts({ account: accepting() }) }, 'own-profile'],
    ['a Customer ID', CUSTOMER, { customer: customerFacts([{}]) }, 'expired-certificate'],
    ['a Customer ID', CUSTOMER, { customer: customerFacts([{}], accepting()) }, 'held-profile'],
    [
      'a code elsewhere',
      CODE,
      { device: deviceFacts(), code: codeFacts({ account: accepting('acc_2') }) },
      'expired-certificate',
    ],
  ]
  it.each(EXPIRED)(
    'an expired certificate at %s (%s): the policy of the account decides',
    (_what, target, facts, expected) => {
      expect(reason(ask(target, { evidence: certified(MAC, { expired: true }), facts }))).toBe(expected)
    },
  )
})

function accepting(id = 'acc_1') {
  return accountFacts(id, { expiredCertificates: 'accept' })
}

describe('credentials [MPP §11.3]', () => {
  const nobody: Evidence = { kind: 'none' }

  it('are asked for at the URL of our own rule, over TLS only, alike for everybody', () => {
    expect(ask('/cisco-init?auth=1', { evidence: nobody }).content).toEqual({ kind: 'challenge', stale: false })
    expect(reason(ask('/cisco-init?auth=1', { evidence: nobody, request: { door: 'http' } }))).toBe('no-evidence')
    expect(reason(ask('/cisco-init', { evidence: nobody }))).toBe('no-evidence')
    expect(reason(ask('/cisco-init/code?auth=1', { evidence: nobody }))).toBe('no-evidence')
  })

  it('that are wrong are refused; that answer an old challenge are asked for again', () => {
    const request = { authorization: 'Digest something' }
    expect(reason(ask('/cisco-init?auth=1', { evidence: nobody, request }))).toBe('no-evidence')
    const stale = { evidence: nobody, request, facts: { staleNonce: true } }
    expect(ask('/cisco-init?auth=1', stale).content).toEqual({ kind: 'challenge', stale: true })
  })
})
