import { describe, expect, it } from 'vitest'
import { type Evidence, type FetchAnswer, routePath } from '../fetch/mod.ts'
import { accountFacts, certified, deviceFacts, fetchOf, MAC, OTHER_MAC, serialFor, serialOf } from '../testing-facts.ts'
import { answerRc, type RcRoute } from './answer.ts'

const TARGET = `/software/edos/callhome/rc?id=${MAC.toUpperCase()}:${serialFor(MAC)}:CP-8851-3PCC&sw=sip88xx.12-0-2&orig=orig_mpp`

function ask(evidence: Evidence, device: ReturnType<typeof deviceFacts> | undefined, target = TARGET): FetchAnswer {
  const fetch = fetchOf(target, { evidence, facts: { device } })
  return answerRc(routePath(fetch.request.path, fetch.request.query) as RcRoute, fetch)
}

const bound = deviceFacts()
const open = deviceFacts({}, { account: accountFacts('acc_1', { rcForClaimed: true }) })
const registered = deviceFacts({ state: 'known', accountId: 'acc_1' })

describe('what may leave: the RC answer [MPP §9.2]', () => {
  const CELLS: readonly (readonly [
    cell: string,
    evidence: Evidence,
    device: ReturnType<typeof deviceFacts> | undefined,
    expected: string,
  ])[] = [
    ['certified, bound', certified(), bound, 'rc-redirect'],
    ['certified, registered beforehand', certified(), registered, 'rc-redirect'],
    ['certified, unowned', certified(), undefined, 'rc-empty'],
    ['certified, known to us but nobody’s', certified(), deviceFacts({ state: 'known' }), 'rc-empty'],
    ['certified, held', certified(), deviceFacts({ state: 'held', heldAccountId: 'acc_1' }), 'rc-empty'],
    ['certified, released', certified(), deviceFacts({ state: 'released' }), 'rc-empty'],
    ['certified, disabled', certified(), deviceFacts({ state: 'disabled' }), 'rc-empty'],
    ['certified, MAC of another', certified(OTHER_MAC), bound, 'rc-empty'],
    ['certified, serial of another', certified(MAC, { serial: serialOf('FCH0000') }), bound, 'rc-empty'],
    ['certified, another CA', certified(), deviceFacts({ pinnedCa: 'c'.repeat(64) }), 'rc-empty'],
    ['credentialed', { kind: 'credentialed', mac: MAC }, bound, 'rc-empty'],
    ['claimed MAC', { kind: 'claimed', mac: MAC }, bound, 'rc-empty'],
    ['claimed MAC, provider allows', { kind: 'claimed', mac: MAC }, open, 'rc-redirect'],
    ['none', { kind: 'none' }, undefined, 'rc-empty'],
  ]
  it.each(CELLS)('%s', (_cell, evidence, device, expected) => {
    const answer = ask(evidence, device)
    expect(answer.content.kind).toBe(expected)
    expect(answer.commits).toEqual([])
  })

  it('a malformed id gets the empty 200', () => {
    expect(ask(certified(), bound, '/software/edos/callhome/rc?id=x').content.kind).toBe('rc-empty')
  })

  it('believes only the phone that it redirects', () => {
    expect(ask(certified(), bound).observations).toMatchObject([{ mac: MAC, trust: 'certified' }])
    for (const device of [deviceFacts({ pinnedCa: 'c'.repeat(64) }), deviceFacts({ state: 'disabled' })]) {
      expect(ask(certified(), device).observations).toEqual([])
    }
    expect(ask({ kind: 'claimed', mac: MAC }, open).observations).toEqual([])
  })

  it('another phone’s certificate raises an event in both timelines', () => {
    const { events } = ask(certified(OTHER_MAC), bound)
    expect(events.map(({ name, mac }) => [name, mac])).toEqual([
      ['identity.mismatch', OTHER_MAC],
      ['identity.mismatch', MAC],
    ])
  })

  it('another CA raises an event', () => {
    expect(ask(certified(), deviceFacts({ pinnedCa: 'c'.repeat(64) })).events.map(({ name }) => name)).toEqual([
      'identity.wrong-ca',
    ])
  })
})
