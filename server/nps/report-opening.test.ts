import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { gzip, ikmFromText, sealAes128gcm, sealSalted } from '../../protocol/envelope/mod.ts'
import { type Evidence, routePath } from '../fetch/mod.ts'
import type { Layer, LayerScope } from '../profiles/mod.ts'
import { type Asked, certified, deviceFacts, fetchOf, MAC, plant } from '../testing-facts.ts'
import { answerFetch, type NpsRoute } from './answer.ts'

const TEXT = new TextEncoder().encode('<flat-profile><GPP_A>1</GPP_A></flat-profile>')
const PHRASE = plant(randomBytes(12).toString('hex'))
const IKM = plant(randomBytes(16).toString('base64url'))
const SALT = new Uint8Array(8)

const withKey = (scope: LayerScope) =>
  deviceFacts({}, { layers: [layer(scope, { Report_Rule: `[--key "${PHRASE}"] http://h/r` })] })
const withIkm = (scope: LayerScope) => deviceFacts({}, { layers: [layer(scope, { IKM_HTTP_Encrypt_Content: IKM })] })

function layer(scope: LayerScope, values: Readonly<Record<string, string>>): Layer {
  const parameters = new Map(Object.entries(values).map(([element, value]) => [element, { value }]))
  return { scope, id: scope === 'device' ? MAC : 'acc_1', revisionId: 1, parameters }
}

function report(body: Uint8Array, asked: Asked) {
  const fetch = fetchOf(`/report/${MAC}.xml`, { ...asked, request: { method: 'POST', body, ...asked.request } })
  const answer = answerFetch(routePath(fetch.request.path, fetch.request.query) as NpsRoute, fetch)
  const [commit] = answer.commits
  return commit?.kind === 'store-report' ? commit : answer.content.kind
}

const salted = sealSalted(TEXT, PHRASE, SALT)
const coded = sealAes128gcm(TEXT, ikmFromText(IKM, 'auto'), new Uint8Array(16))
const CODED = { contentEncoding: 'aes128gcm' }

describe('reports under a key that is not the profile key [MPP §2.2, §2.3]', () => {
  it('of the device’s own layer are believed', () => {
    expect(report(salted, { facts: { device: withKey('device') } })).toMatchObject({ trust: 'sealed' })
    expect(report(coded, { request: CODED, facts: { device: withIkm('device') } })).toMatchObject({ trust: 'sealed' })
  })

  it('that others may have as well are kept as claimed, and nothing is compared', () => {
    const kept = { trust: 'claimed', basis: undefined, content: { kind: 'delta' } }
    expect(report(salted, { facts: { device: withKey('account') } })).toMatchObject(kept)
    expect(report(coded, { request: CODED, facts: { device: withIkm('account') } })).toMatchObject(kept)
  })

  it('are opened for a phone that proved itself', () => {
    const evidence: Evidence = certified()
    expect(report(salted, { evidence, facts: { device: withKey('account') } })).toMatchObject({
      trust: 'certified',
      problem: undefined,
      content: { elements: [{ name: 'GPP_A', value: '1' }] },
    })
  })

  it('TFTP has no header for the coding', () => {
    expect(report(coded, { request: { door: 'tftp' }, facts: { device: withIkm('device') } })).toMatchObject({
      trust: 'sealed',
    })
    expect(report(coded, { facts: { device: withIkm('device') } })).toBe('refusal')
  })

  it('a packed body is unpacked, inside a seal and without', () => {
    const device = withKey('device')
    expect(report(sealSalted(gzip(TEXT), PHRASE, SALT), { facts: { device } })).toMatchObject({ body: TEXT })
    expect(report(gzip(TEXT), { evidence: certified(), facts: { device } })).toMatchObject({ body: TEXT })
  })

  it('a bomb costs no more than an honest file', () => {
    const bomb = gzip(new Uint8Array(64 * 1024 * 1024))
    expect(bomb.length).toBeLessThan(1024 * 1024)
    const kept = report(bomb, { evidence: certified(), facts: { device: withKey('device') } })
    expect(kept).toMatchObject({ content: { kind: 'unknown' }, problem: expect.any(String) })
  })

  it.each([
    ['of a foreign key', sealSalted(TEXT, 'other', SALT), 'It is sealed with a key that is not the device’s'],
    ['of no form', new Uint8Array([1, 2, 3]), 'It is neither XML nor gzip nor sealed'],
  ])('a body %s from a phone that proved itself is noted with the reason', (_what, body, problem) => {
    const device = withKey('device')
    expect(report(body, { evidence: certified(), facts: { device } })).toMatchObject({
      problem,
      content: { kind: 'unknown' },
    })
    expect(report(body, { facts: { device } })).toBe('refusal')
  })
})
