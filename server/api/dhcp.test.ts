import { beforeAll, describe, expect, it } from 'vitest'
import { macWithColons, type MacAddress } from '../../protocol/identity.ts'
import { freshMac, PN, PUBLIC_HTTP_URL, PUBLIC_URL, serialFor } from '../testing.ts'
import { type Answer, openTestApi } from './testing.ts'

const api = await openTestApi()
const { platform } = api
const { db } = platform

beforeAll(() => {
  platform.setPublicUrls({ https: PUBLIC_URL, http: PUBLIC_HTTP_URL, acs: 'https://prov.example.com:7548/' })
})

function post(path: string, body: unknown, token?: string): Promise<Answer> {
  return api.call('POST', `/api/v1/dhcp/${path}`, { body, token })
}

interface Row {
  readonly address: string
  readonly product: string | null
  readonly reporter: string
  readonly at: Date
}

async function sightingsOf(mac: string): Promise<readonly Row[]> {
  return db.query<Row>({
    name: 'test-sightings',
    text: `select address, product_name as product, reporter, last_at as at from sighting
            where mac = $1 and source = 'dhcp' order by reporter`,
    values: [mac],
  })
}

describe('POST /api/v1/dhcp/config', () => {
  it.each(['kea', 'dnsmasq', 'isc'])('writes that of %s, with our own address', async (daemon) => {
    const { status, json } = await post('config', {
      for: daemon,
      server: '192.0.2.10',
      tftpPort: 69,
      acs: { provisioningCode: 'P7' },
    })
    expect(status).toBe(200)
    expect(json.files.length).toBeGreaterThan(0)
    const text = json.files.map((file: { readonly text: string }) => file.text).join('\n')
    expect(text).toContain(PN)
    expect(json.notes.every((note: unknown) => typeof note === 'string')).toBe(true)
  })

  it('takes everything that the command line takes', async () => {
    const body = {
      for: 'kea',
      server: '192.0.2.10',
      tftpPort: 69,
      options: [66, 160],
      scheme: 'http',
      acs: { retryMinimumSeconds: 5, retryMultiplier: 2000 },
      gateway: { oui: '00D09E', serial: '2BFF1A', productClass: 'Router' },
      voiceVlan: { id: 20 },
      models: [PN],
      subnets: [{ subnet: '192.0.2.0/24', pool: '192.0.2.50-192.0.2.200', router: '192.0.2.1', dns: ['192.0.2.1'] }],
      serverV6: '2001:db8::10',
      subnets6: [{ subnet: '2001:db8::/64', pool: '2001:db8::100-2001:db8::1ff' }],
    }
    const { status, json } = await post('config', body)
    expect({ status, detail: json.detail }).toEqual({ status: 200, detail: undefined })
    const text = JSON.stringify(json.files)
    for (const part of ['192.0.2.0/24', '2001:db8::/64']) expect(text).toContain(part)
  })

  it('tells every problem with its place and advice', async () => {
    const body = { for: 'kea', server: 'nowhere', subnets: [{ subnet: '192.0.2.0/33', pool: 'x' }] }
    const { status, json } = await post('config', body)
    expect({ status, type: json.type }).toEqual({ status: 422, type: 'not-valid' })
    expect(json.problems.length).toBeGreaterThan(1)
    for (const { code, place, message, advice } of json.problems) {
      expect([code, place, message, advice].every((text) => typeof text === 'string' && text !== '')).toBe(true)
    }
  })

  it('names an ACS behind another name and path, over TLS only, also where there is no door of ours', async () => {
    const url = 'https://acs.example.net:7547/cwmp'
    const asked = (acs: object) => post('config', { for: 'dnsmasq', server: '192.0.2.10', tftpPort: 69, acs })
    platform.setPublicUrls({ https: PUBLIC_URL, http: PUBLIC_HTTP_URL })
    const named = await asked({ url })
    platform.setPublicUrls({ https: PUBLIC_URL, http: PUBLIC_HTTP_URL, acs: 'https://prov.example.com:7548/' })
    const bytes = Buffer.from(url)
      .toString('hex')
      .replaceAll(/(..)(?!$)/g, '$1:')
    expect(named.json.files?.[0]?.text).toContain(`43,01:21:${bytes}\n`)
    const clear = await asked({ url: 'http://acs.example.net/' })
    expect({
      status: clear.status,
      codes: clear.json.problems.map(({ code }: { readonly code: string }) => code),
    }).toEqual({ status: 422, codes: ['acs-not-tls'] })
  })

  it('says so when there is no door for the ACS', async () => {
    platform.setPublicUrls({ https: PUBLIC_URL, http: PUBLIC_HTTP_URL })
    const { status, json } = await post('config', { for: 'kea', server: '192.0.2.10', tftpPort: 69, acs: {} })
    platform.setPublicUrls({ https: PUBLIC_URL, http: PUBLIC_HTTP_URL, acs: 'https://prov.example.com:7548/' })
    expect({ status, codes: json.problems.map(({ code }: { readonly code: string }) => code) }).toEqual({
      status: 422,
      codes: ['no-acs'],
    })
  })
})

describe('POST /api/v1/dhcp/check', () => {
  it('finds in what it wrote nothing wrong, and guesses whose it is', async () => {
    for (const daemon of ['kea', 'dnsmasq', 'isc']) {
      const written = await post('config', {
        for: daemon,
        server: '192.0.2.10',
        tftpPort: 69,
        subnets: [{ subnet: '192.0.2.0/24', pool: '192.0.2.50-192.0.2.200' }],
      })
      const [{ text }] = written.json.files
      expect((await post('check', { text })).json, daemon).toEqual({ for: daemon, problems: [] })
    }
  })

  it('says of which server it is, when told where ours is', async () => {
    const text = 'dhcp-option=tag:voice,66,"192.0.2.99"\n'
    for (const [server, has] of [
      ['192.0.2.10', true],
      ['192.0.2.99', false],
      [undefined, false],
    ] as const) {
      const { json } = await post('check', { text, server, tftpPort: 69 })
      const codes = json.problems.map(({ code }: { readonly code: string }) => code)
      expect(codes.includes('other-server'), server).toBe(has)
    }
  })

  it('tells problems of a text that cannot be read, and asks whose it is where that is not to be seen', async () => {
    const broken = await post('check', { for: 'kea', text: '{ "Dhcp4": ' })
    expect(broken.status).toBe(200)
    expect(broken.json.problems.length).toBeGreaterThan(0)
    expect(await post('check', { text: 'hello' })).toMatchObject({ status: 422, json: { type: 'unknown-daemon' } })
  })
})

describe('POST /api/v1/dhcp/leases', () => {
  const at = '2026-05-03T10:00:00.000Z'
  const lease = (mac: MacAddress, more: object = {}) => ({
    mac: macWithColons(mac),
    address: '192.0.2.60',
    at,
    ...more,
  })

  async function registered(accountId?: string): Promise<MacAddress> {
    const mac = freshMac()
    const body = { mac, serial: serialFor(mac), model: PN, ...(accountId === undefined ? {} : { accountId }) }
    expect((await api.call('POST', '/api/v1/devices', { body })).status).toBe(201)
    return mac
  }

  it('notes phones of the inventory, and strangers that say what they are [MPP §10.2]', async () => {
    const [known, named, classed, laptop] = [await registered(), freshMac(), freshMac(), freshMac()]
    const leases = [
      lease(known),
      lease(named, { hostName: `sep${named}` }),
      lease(classed, { address: '2001:db8::60', vendorClass: `dslforum.org ${PN}` }),
      lease(laptop, { hostName: 'ann-laptop', vendorClass: 'MSFT 5.0' }),
    ]
    expect(await post('leases', { leases })).toMatchObject({ status: 200, json: { taken: 3 } })
    const row = { address: '192.0.2.60', product: null, reporter: '', at: new Date(at) }
    expect(await sightingsOf(known)).toEqual([row])
    expect(await sightingsOf(named)).toEqual([row])
    expect(await sightingsOf(classed)).toEqual([{ ...row, address: '2001:db8::60', product: PN }])
    expect(await sightingsOf(laptop)).toEqual([])
  })

  it('keeps the newest of one phone, and never one of the future', async () => {
    const mac = freshMac()
    const hostName = `SEP${mac.toUpperCase()}`
    const before = Date.now()
    const leases = [
      lease(mac, { hostName, address: '192.0.2.62', at: '2099-01-01T00:00:00Z' }),
      lease(mac, { hostName, address: '192.0.2.61' }),
    ]
    expect((await post('leases', { leases })).json).toEqual({ taken: 2 })
    const [row] = await sightingsOf(mac)
    expect(row?.address).toBe('192.0.2.62')
    expect(row?.at.getTime()).toBeGreaterThanOrEqual(before)
    expect(row?.at.getTime()).toBeLessThanOrEqual(Date.now())
  })

  it('of a limited token notes its own and strangers, and tells nothing of what others have', async () => {
    const [mine, theirs] = [await api.account(), await api.account()]
    const token = await api.tokenFor(['stage'], { accountId: mine })
    const [own, foreign, stranger] = [await registered(mine), await registered(theirs), freshMac()]
    const leases = [own, foreign, stranger].map((mac) => lease(mac, { hostName: `SEP${mac}` }))
    expect((await post('leases', { leases }, token)).json).toEqual({ taken: 3 })
    expect(await sightingsOf(foreign)).toEqual([])
    for (const mac of [own, stranger]) expect(await sightingsOf(mac)).toMatchObject([{ reporter: mine }])
    // Without a name that says so, only who owns it knows that it is a phone.
    expect((await post('leases', { leases: [lease(foreign)] }, token)).json).toEqual({ taken: 0 })
    expect((await post('leases', { leases: [lease(own)] }, token)).json).toEqual({ taken: 1 })
  })

  it('needs the scope stage', async () => {
    const token = await api.tokenFor(['read'])
    const body = { leases: [lease(freshMac())] }
    expect(await post('leases', body, token)).toMatchObject({ status: 403, json: { type: 'missing-scope' } })
  })

  it.each([
    ['none', []],
    ['too many', Array.from({ length: 1001 }, () => lease('00562b000001' as MacAddress))],
    ['no address', [{ mac: '00562b000001', address: 'x', at }]],
    ['no moment', [{ mac: '00562b000001', address: '192.0.2.1', at: 'yesterday' }]],
    ['a control character', [lease('00562b000001' as MacAddress, { hostName: 'SEP\u0000' })]],
  ])('refuses %s', async (_what, leases) => {
    expect((await post('leases', { leases })).status).toBe(422)
  })
})
