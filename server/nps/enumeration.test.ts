import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { MacAddress } from '../../protocol/identity.ts'
import type { FetchRequest } from '../fetch/mod.ts'
import { UNKNOWN_MACS_MAX } from '../metrics/mod.ts'
import { certificateOf, freshMac, openTestPlatform, requestOf, serialFor } from '../testing.ts'
import { providerOn } from '../testing-provider.ts'
import { type Delivery, serveFetch } from './mod.ts'

const { platform } = await openTestPlatform()
const { bound } = providerOn(platform)

/** Everything that merely claims a MAC, by every way that there is. */
const CLAIMS: readonly (readonly [string, (mac: MacAddress) => FetchRequest])[] = [
  ['TFTP, the file of a MAC', (mac) => requestOf(`/${mac}.cfg`, { door: 'tftp' })],
  ['HTTP, the file of a MAC', (mac) => requestOf(`/phones/${mac}.xml`, { door: 'http' })],
  ['HTTPS without a certificate', (mac) => requestOf(`/${mac}.cfg`)],
  [
    'RC over HTTPS',
    (mac) => requestOf(`/software/edos/callhome/rc?id=${mac.toUpperCase()}:${serialFor(mac)}:CP-8851-3PCC`),
  ],
  [
    'RC over HTTP',
    (mac) =>
      requestOf(`/software/edos/callhome/rc?id=${mac.toUpperCase()}:${serialFor(mac)}:CP-8851-3PCC`, { door: 'http' }),
  ],
  [
    'the permanent URL, with a user agent',
    (mac) => requestOf('/cisco-init', { userAgent: `Cisco-CP-8851-3PCC/12.0.4 (${mac})` }),
  ],
  [
    'a wrong password in the name of a MAC',
    (mac) => requestOf('/cisco-init', { authorization: `Basic ${Buffer.from(`${mac}:x`).toString('base64')}` }),
  ],
  [
    'a report',
    (mac) => requestOf(`/report/${mac}.xml`, { method: 'POST', door: 'http', body: Buffer.from('<device/>') }),
  ],
]

function bytesOf(delivery: Delivery): string {
  const body = delivery.kind === 'bytes' ? createHash('sha256').update(delivery.bytes).digest('hex') : ''
  return `${delivery.kind} ${body}`
}

let lastNetwork = 0
function freshPeer(): string {
  lastNetwork += 1
  return `198.51.${lastNetwork}.9`
}

function ask(request: FetchRequest, peer: string): Promise<Delivery> {
  return serveFetch(platform.context, { ...request, peer })
}

/** Uses up the budget of a network. */
async function search(peer: string): Promise<void> {
  for (let count = 0; count <= UNKNOWN_MACS_MAX; count++)
    await ask(requestOf(`/${freshMac()}.cfg`, { door: 'http' }), peer)
}

describe('trying MACs', () => {
  it.each(CLAIMS)('%s: a known one gets the bytes of an unknown one', async (_title, claim) => {
    const { mac } = await bound()
    const peer = freshPeer()
    const [known, unknown] = [await ask(claim(mac), peer), await ask(claim(freshMac()), peer)]
    expect(bytesOf(known)).toBe(bytesOf(unknown))
  })

  it.each(CLAIMS)('%s: beyond the budget of its network both are told to come later', async (title, claim) => {
    const { mac } = await bound()
    const peer = freshPeer()
    await search(peer)
    const [known, unknown] = [await ask(claim(mac), peer), await ask(claim(freshMac()), peer)]
    expect(bytesOf(known)).toBe(bytesOf(unknown))
    // A user agent is not asked about: it opens nothing.
    expect(known.kind).toBe(title.includes('user agent') ? 'refusal' : 'later')
  })

  it('never limits certified phones behind the same address, nor firmware and sealed files', async () => {
    const { mac } = await bound()
    const peer = freshPeer()
    await search(peer)
    for (let count = 0; count < 500; count++) {
      const request = requestOf('/cisco-init', { certificate: certificateOf(mac) })
      expect((await ask(request, peer)).kind).toBe('bytes')
    }
    const own = requestOf(`/${mac}.cfg`, { certificate: certificateOf(mac) })
    expect((await ask(own, peer)).kind).toBe('bytes')
    expect((await ask(requestOf('/8851-3PCC.xml', { door: 'tftp' }), peer)).kind).toBe('bytes')
  })

  it('concerns the network that tries, and no other', async () => {
    const peer = freshPeer()
    await search(peer)
    const claim = requestOf(`/${freshMac()}.cfg`, { door: 'http' })
    expect((await ask(claim, peer.replace(/9$/, '77'))).kind).toBe('later')
    expect((await ask(claim, freshPeer())).kind).toBe('bytes')
  })

  it('is not what a bench of our own phones does, however many there are', async () => {
    const macs = await Promise.all(Array.from({ length: 3 }, async () => (await bound()).mac))
    const peer = freshPeer()
    for (let count = 0; count < 300; count++) {
      const mac = macs[count % 3] ?? freshMac()
      expect((await ask(requestOf(`/${mac}.cfg`, { door: 'tftp' }), peer)).kind).toBe('bytes')
    }
  })

  it('takes no longer for a known MAC: neither asks the database', async () => {
    const { mac } = await bound()
    platform.directory.apply({ kind: 'device', mac })
    const asked: string[] = []
    const counting = {
      ...platform.context,
      store: {
        ...platform.context.store,
        device: (each: MacAddress) => (asked.push(each), platform.directory.device(each)),
      },
    }
    const peer = freshPeer()
    for (const each of [mac, freshMac()]) {
      await serveFetch(counting, requestOf(`/${each}.cfg`, { door: 'tftp', peer }))
    }
    await search(peer)
    for (const [, claim] of CLAIMS.filter(([title]) => title.startsWith('RC'))) {
      for (const each of [mac, freshMac()]) await serveFetch(counting, { ...claim(each), peer })
    }
    expect(asked).toEqual([])
  })

  it('that a right certificate makes in vain is told as often as anybody needs, and always refused', async () => {
    const mac = freshMac()
    const told: string[] = []
    const listening = {
      ...platform.context,
      store: {
        ...platform.context.store,
        note: (events: readonly { readonly name: string }[]) => told.push(...events.map(({ name }) => name)),
      },
    }
    for (let count = 0; count < 500; count++) {
      const delivery = await serveFetch(listening, requestOf('/cisco-init', { certificate: certificateOf(mac) }))
      expect(delivery).toEqual({ kind: 'refusal' })
    }
    const refused = told.filter((name) => name === 'fetch.refused').length
    expect(refused).toBeGreaterThanOrEqual(60)
    expect(refused).toBeLessThan(120)
  })
})
