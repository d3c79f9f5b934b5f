import { networkInterfaces } from 'node:os'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ConnectionRequestOptions, requestConnection } from './request.ts'
import { LOOPBACK, listen, type TestDevice } from './testing-device.ts'

let device: TestDevice
beforeAll(async () => {
  device = await listen((_request, socket) => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'))
})
afterAll(() => device.close())

const ask = (url: string, more: Partial<ConnectionRequestOptions> = {}) =>
  requestConnection({ url, username: 'acs', password: 'pw-of-the-acs' }, { allow: [], ...more })

const named = (...addresses: readonly string[]): NonNullable<ConnectionRequestOptions['resolve']> => {
  const found = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
  return async () => found
}

const NEAR: readonly (readonly [kind: string, address: string])[] = [
  ['loopback', '127.0.0.1'],
  ['loopback of IPv6', '::1'],
  ['link-local', '169.254.169.254'],
  ['link-local of IPv6', 'fe80::1'],
  ['private, 10', '10.1.2.3'],
  ['private, 172', '172.16.0.1'],
  ['private, 192', '192.168.1.20'],
  ['private of IPv6', 'fd12:3456::1'],
  ['carrier-grade NAT', '100.64.0.1'],
  ['IPv4 inside IPv6', '::ffff:127.0.0.1'],
  ['private IPv4 inside IPv6', '::ffff:10.0.0.1'],
  ['IPv4 inside NAT64', '64:ff9b::a00:1'],
  ['this host', '0.0.0.0'],
  ['this host of IPv6', '::'],
  ['multicast', '224.0.0.251'],
  ['multicast of IPv6', 'ff02::1'],
  ['broadcast', '255.255.255.255'],
]

describe('where a device may not send us [TR-069 §8.1]', () => {
  it.each(NEAR)('refuses an address of the kind %s: %s', async (_kind, address) => {
    const host = address.includes(':') ? `[${address}]` : address
    expect(await ask(`http://${host}:${device.port}/`)).toMatchObject({ kind: 'forbidden' })
  })

  it.each(NEAR)('refuses a name that leads to an address of the kind %s: %s', async (_kind, address) => {
    const outcome = await ask(`http://phone.example:${device.port}/`, { resolve: named(address) })
    expect(outcome).toMatchObject({ kind: 'forbidden' })
  })

  it.each(['2130706433', '0x7f000001', '0177.0.0.1', '127.1', '127.0.0.1.', 'localhost', 'LOCALHOST'])(
    'refuses this machine written as %s',
    async (host) => expect(await ask(`http://${host}:${device.port}/`)).toMatchObject({ kind: 'forbidden' }),
  )

  it('refuses every address of this machine, behind a name', async () => {
    const own = Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address))
    expect(own.length).toBeGreaterThan(0)
    for (const address of own) {
      const outcome = await ask(`http://phone.example:${device.port}/`, { resolve: named(address) })
      expect(outcome).toMatchObject({ kind: 'forbidden' })
    }
  })

  it('connected to nobody for all of these', () => expect(device.connections()).toBe(0))

  it.each([
    ['https', 'https://192.0.2.1/'],
    ['another scheme', 'ftp://192.0.2.1/'],
    ['no scheme', '192.0.2.1:7547/x'],
    ['no text', ''],
    ['port 0', 'http://192.0.2.1:0/'],
    ['a port beyond 65535', 'http://192.0.2.1:65536/'],
    ['a user and a password', 'http://me:hunter@192.0.2.1/'],
    ['thousands of characters', `http://192.0.2.1/${'a'.repeat(3000)}`],
  ])('refuses a URL with %s', async (_what, url) => {
    const outcome = await ask(url, { allow: ['0.0.0.0/0'] })
    expect(outcome).toMatchObject({ kind: 'forbidden' })
    expect(JSON.stringify(outcome)).not.toContain('hunter')
  })
})

describe('where a device may send us when a setting allows it [TR-069 §8.1]', () => {
  it.each(['127.0.0.1', '[::ffff:127.0.0.1]', 'localhost', '2130706433'])('asks %s', async (host) => {
    expect(await ask(`http://${host}:${device.port}/`, { allow: LOOPBACK })).toEqual({ kind: 'accepted', status: 200 })
  })

  it('allows one network and not the one beside it', async () => {
    const allow = ['10.1.0.0/16']
    const asked = { allow, resolve: named('10.2.0.1') }
    expect(await ask('http://phone.example/', asked)).toMatchObject({ kind: 'forbidden' })
  })

  it('connects to the allowed one among the addresses of a name', async () => {
    const resolve = named('10.0.0.1', '169.254.169.254', '127.0.0.1')
    const before = device.connections()
    const outcome = await ask(`http://phone.example:${device.port}/`, { allow: LOOPBACK, resolve })
    expect(outcome).toEqual({ kind: 'accepted', status: 200 })
    expect(device.connections()).toBe(before + 1)
  })

  it('looks at a name again when it must connect again, so that it cannot change its mind in between', async () => {
    const closing = await listen(
      (_request, socket) => void socket.end('HTTP/1.1 401 No\r\nWWW-Authenticate: Digest realm="a", nonce="b"\r\n\r\n'),
    )
    let asked = 0
    const resolve = async () => [{ address: asked++ === 0 ? '127.0.0.1' : '10.0.0.1', family: 4 }]
    const outcome = await ask(`http://phone.example:${closing.port}/`, { allow: LOOPBACK, resolve })
    closing.close()
    expect(outcome).toMatchObject({ kind: 'forbidden' })
    expect(closing.connections()).toBe(1)
  })
})
