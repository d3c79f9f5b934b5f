import { describe, expect, it } from 'vitest'
import { certificateOf, MAC, NOW, OTHER_MAC, PN, requestOf, serialFor } from '../testing-facts.ts'
import { identify } from './evidence.ts'
import { routePath } from './route.ts'
import { sightingOf, sightingOfStanding } from './sighted.ts'
import { plainAnswer, refusal, refuseStanding, type Standing, strangerEvents } from './standing.ts'
import type { FetchAnswer, FetchRequest } from './types.ts'

const AGENT = `Cisco-CP-8851-3PCC/12.0.2 (${MAC})`
const common = { mac: MAC, address: '192.0.2.7', at: new Date(NOW) }
const proved = { ...common, source: 'certificate', serial: serialFor(MAC), productName: PN }
const certificate = certificateOf(MAC)
const firstProfile = plainAnswer({ kind: 'first-profile' })
const rcEmpty = plainAnswer({ kind: 'rc-empty' })
const rc = `/software/edos/callhome/rc?id=${MAC}:${serialFor(MAC)}:${PN}`

function sighted(target: string, answer: FetchAnswer, more: Partial<FetchRequest> = {}) {
  const request = requestOf(target, more)
  const route = routePath(request.path, request.query)
  return sightingOf({ request, route, evidence: identify(request, route) }, answer, NOW)
}

describe('a sighting', () => {
  it.each<[string, ReturnType<typeof sighted>, object | undefined]>([
    ['a MAC in the path', sighted(`/x/${MAC}.cfg`, firstProfile), { ...common, source: 'path', firstProfile: true }],
    [
      'a MAC in the User-Agent',
      sighted('/8851-3PCC.xml', firstProfile, { userAgent: AGENT }),
      { ...common, source: 'path', productName: PN, firstProfile: true },
    ],
    [
      'a redirect without a certificate',
      sighted(rc, rcEmpty),
      { ...common, source: 'path', productName: PN, serial: serialFor(MAC) },
    ],
    [
      'a certificate of a phone that nobody has',
      sighted('/cisco-init', refuseStanding('unknown', certificate, undefined), { certificate }),
      proved,
    ],
    [
      'a first profile over TLS',
      sighted(`/${MAC}.cfg`, firstProfile, { certificate }),
      { ...proved, firstProfile: true },
    ],
    [
      'a refusal',
      sighted('/cisco-init', refuseStanding('wrong-ca', certificate, undefined), { certificate }),
      { ...proved, problem: 'wrong-ca' },
    ],
    ['a redirect that a certificate asks for', sighted(rc, rcEmpty, { certificate }), proved],
    [
      'a redirect for another phone',
      sighted(rc, { ...rcEmpty, events: strangerEvents(certificate, OTHER_MAC) }, { certificate }),
      { ...proved, problem: 'identity-mismatch' },
    ],
    ['nobody', sighted('/8851-3PCC.xml', firstProfile), undefined],
    ['firmware', sighted('/firmware/sip88xx.12-0-1.loads', refusal('no-such-file'), { certificate }), undefined],
    ['the CA', sighted('/ca.pem', plainAnswer({ kind: 'ca-file' }), { userAgent: AGENT }), undefined],
    [
      'what is observed of a device already',
      sighted(
        '/cisco-init',
        { ...firstProfile, observations: [{ mac: MAC, at: NOW, from: '192.0.2.7', trust: 'certified' }] },
        { certificate },
      ),
      undefined,
    ],
  ])('of %s', (_what, found, expected) => {
    expect(found).toEqual(expected)
  })

  it.each<[Standing, object]>([
    ['unknown', proved],
    ['unowned', proved],
    ['registered', proved],
    ['held', proved],
    ['foreign', { ...proved, problem: 'foreign-device' }],
    ['wrong-ca', { ...proved, problem: 'wrong-ca' }],
    ['expired', { ...proved, problem: 'expired-certificate' }],
    ['released', { ...proved, problem: 'released-device' }],
    ['disabled', { ...proved, problem: 'disabled-device' }],
  ])('at another door of a phone that is %s says what the NPS would say', (standing, expected) => {
    expect(sightingOfStanding(standing, certificate, '192.0.2.7', NOW)).toEqual(expected)
    const refused = sighted('/cisco-init', refuseStanding(standing, certificate, undefined), { certificate })
    expect(refused).toEqual(expected)
  })

  it('of a certificate never takes the serial number that the path names', () => {
    const asked = `/software/edos/callhome/rc?id=${MAC}:FCH2305DMH0:${PN}`
    expect(sighted(asked, rcEmpty, { certificate })?.serial).toBe(serialFor(MAC))
  })
})
