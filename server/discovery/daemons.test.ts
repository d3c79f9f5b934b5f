import { execFileSync, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { concatBytes, utf8Bytes, utf8Text } from '../../protocol/bytes.ts'
import {
  ACS_VENDOR_CLASS,
  decodeAcsOption125,
  decodeAcsOption43,
  decodeGatewayOption125,
  encodeVendorClass124,
} from '../../protocol/dhcp/mod.ts'
import { parseMacAddress } from '../../protocol/identity.ts'
import type { MacAddress } from '../../protocol/identity.ts'
import { mergeKea, writeDhcp } from './mod.ts'
import type { Daemon, DiscoverySettings, KeaConfig } from './mod.ts'
import { BARE, SCEP_HEX, SETTINGS, SUBNETS, SUBNETS6 } from './testing-discovery.ts'

const folder = mkdtempSync(join(tmpdir(), 'offhook-dhcp-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const ENV = {
  ...process.env,
  KEA_PIDFILE_DIR: folder,
  KEA_LOCKFILE_DIR: folder,
  PATH: `${process.env['PATH']}:/usr/sbin`,
}

/** How each daemon is asked whether it takes a file. */
const TRIALS: Readonly<Record<string, (path: string) => readonly [string, readonly string[]]>> = {
  'kea-dhcp4.conf': (path) => ['kea-dhcp4', ['-t', path]],
  'kea-dhcp6.conf': (path) => ['kea-dhcp6', ['-t', path]],
  'offhook.conf': (path) => ['dnsmasq', ['--test', '-C', path]],
  'dhcpd.conf': (path) => ['dhcpd', ['-t', '-cf', path]],
  'dhcpd6.conf': (path) => ['dhcpd', ['-6', '-t', '-cf', path]],
}

/** Throws with the words of the daemon when it refuses. */
function tryFile(name: string, text: string): void {
  const path = join(folder, name)
  writeFileSync(path, text)
  const trial = TRIALS[name]
  if (trial === undefined) throw new Error(`no trial for ${name}`)
  const [program, args] = trial(path)
  execFileSync(program, args, { env: ENV, stdio: 'pipe' })
}

const mac = (text: string): MacAddress => parseMacAddress(text) ?? ('' as MacAddress)
const nps = (change: Partial<DiscoverySettings['nps']>): DiscoverySettings['nps'] => ({ ...SETTINGS.nps, ...change })

const MATRIX: readonly (readonly [string, DiscoverySettings])[] = [
  ['everything', SETTINGS],
  ['everything, with subnets', { ...SETTINGS, subnets: SUBNETS, subnets6: SUBNETS6 }],
  ['TFTP alone', { ...BARE, voiceVlan: undefined, nps: nps({ options: [66, 150], scheme: 'tftp' }) }],
  [
    'HTTPS by name, commas in the path',
    { ...BARE, nps: nps({ options: [160], scheme: 'https', httpsUrl: 'https://p.example/a,b' }) },
  ],
  ['the ACS alone, over IPv6 too', { ...BARE, voiceVlan: undefined, acs: SETTINGS.acs, ipv6: true }],
  ['the gateway alone', { ...BARE, voiceVlan: undefined, gateway: SETTINGS.gateway }],
  ['SCEP and ACS', { ...BARE, acs: SETTINGS.acs, scep: SCEP_HEX }],
  ...[128, 136, 138, 143, 151, 158, 161, 212, 220, 254].map(
    (option) => [`a voice VLAN in ${option}`, { ...BARE, voiceVlan: { option, id: 4094 } }] as const,
  ),
]

describe('the daemons themselves', () => {
  const cases = (['kea', 'dnsmasq', 'isc'] as const).flatMap((daemon) =>
    MATRIX.map(([name, settings]) => [daemon, name, settings] as const),
  )
  it.each(cases)(
    '%s takes what was written for it: %s [MPP §10]',
    (daemon: Daemon, _: string, settings: DiscoverySettings) => {
      const result = writeDhcp(daemon, settings)
      if (!result.ok) throw new Error(JSON.stringify(result.error))
      expect(result.value.files.length).toBe(settings.ipv6 && daemon !== 'dnsmasq' ? 2 : 1)
      for (const { name, text } of result.value.files) tryFile(name, text)
    },
  )

  it('Kea refuses a class that is broken, so its yes means something', () => {
    expect(() =>
      tryFile('kea-dhcp4.conf', '{ "Dhcp4": { "client-classes": [{ "name": "x", "test": "y" }] } }'),
    ).toThrow()
    expect(() => tryFile('offhook.conf', 'dhcp-optio=66,x\n')).toThrow()
    expect(() => tryFile('dhcpd.conf', 'option offhook-1 2;\n')).toThrow()
  })

  it('Kea takes a merged configuration, with reservations', () => {
    const current: KeaConfig = {
      Dhcp4: {
        'option-def': [{ name: 'theirs', code: 150, space: 'dhcp4', type: 'string' }],
        'client-classes': [{ name: 'theirs' }],
        subnet4: [{ id: 7, subnet: '192.0.2.0/24', pools: [{ pool: '192.0.2.10 - 192.0.2.20' }] }],
      },
    }
    const merged = mergeKea(current, { ...SETTINGS, subnets: SUBNETS }, [
      { mac: mac('00562b010203'), address: '192.0.2.30', clientClasses: ['staging'] },
      { mac: mac('00562b010204') },
    ])
    if (!merged.ok) throw new Error(JSON.stringify(merged.error))
    tryFile('kea-dhcp4.conf', JSON.stringify(merged.value))
  })
})

/** Only Kea answers on the loopback interface, where no network of its own is needed. */
describe('what Kea answers', () => {
  const PORT = 20_067
  const RELAY_PORT = 20_068
  let kea: ChildProcess

  beforeAll(async () => {
    const result = writeDhcp('kea', {
      ...SETTINGS,
      subnets: [{ subnet: '127.0.0.0/8', pool: '127.0.1.10 - 127.0.1.250' }],
    })
    if (!result.ok) throw new Error(JSON.stringify(result.error))
    const text = (result.value.files[0]?.text ?? '').replace(/^\/\/.*$/gm, '')
    const config = JSON.parse(text) as { Dhcp4: Record<string, unknown> }
    config.Dhcp4['interfaces-config'] = { interfaces: ['lo'], 'dhcp-socket-type': 'udp' }
    config.Dhcp4['lease-database'] = { type: 'memfile', persist: false }
    const outputs = [{ output: 'stdout', flush: true }]
    config.Dhcp4['loggers'] = [{ name: 'kea-dhcp4', severity: 'INFO', output_options: outputs }]
    const path = join(folder, 'wire.conf')
    writeFileSync(path, JSON.stringify(config))
    kea = spawn('kea-dhcp4', ['-c', path, '-p', `${PORT}`, '-P', `${RELAY_PORT}`], { env: ENV, stdio: 'pipe' })
    await new Promise<void>((resolve, reject) => {
      kea.stdout?.on('data', (chunk: Buffer) => chunk.includes('DHCP4_STARTED') && resolve())
      kea.once('exit', () => reject(new Error('kea-dhcp4 ended')))
    })
  }, 20_000)

  afterAll(async () => {
    if (kea.exitCode !== null) return
    kea.kill('SIGTERM')
    await once(kea, 'exit')
  })

  /** Asks as a relay would, and gives the options of the offer. */
  async function ask(...sent: readonly (readonly [number, Uint8Array])[]): Promise<ReadonlyMap<number, Uint8Array>> {
    const head = new Uint8Array(240)
    head.set([1, 1, 6, 1, 9, 9, 9, 9])
    head.set([127, 0, 0, 2], 24)
    head.set([0, 0x56, 0x2b, 1, 2, 3], 28)
    head.set([99, 130, 83, 99], 236)
    const options = [[53, Uint8Array.of(1)], ...sent, [55, Uint8Array.of(1, 3)]] as const
    const tail = options.map(([code, value]) => concatBytes([Uint8Array.of(code, value.length), value]))
    const socket = createSocket('udp4')
    socket.bind(RELAY_PORT, '127.0.0.2')
    await once(socket, 'listening')
    const answer = once(socket, 'message')
    socket.send(concatBytes([head, ...tail, Uint8Array.of(255), new Uint8Array(60)]), PORT, '127.0.0.1')
    const [message] = (await answer) as [Uint8Array]
    socket.close()
    const found = new Map<number, Uint8Array>()
    for (let at = 240; at < message.length && message[at] !== 255; at += 2 + (message[at + 1] ?? 0)) {
      found.set(message[at] ?? 0, message.subarray(at + 2, at + 2 + (message[at + 1] ?? 0)))
    }
    return found
  }

  const OURS = [43, 66, 125, 132, 150, 159, 160]
  const table: readonly (readonly [string, string, readonly number[]])[] = [
    ['a phone', 'CP-8851-3PCC', [66, 125, 132, 150, 159, 160]],
    ['a phone that closes its class with NUL', 'CP-8875\0', [66, 125, 132, 150, 159, 160]],
    ['a phone with a prefix', 'Cisco CP-7841-3PCC\0', [66, 125, 132, 150, 159, 160]],
    ['an ATA', 'CISCO ATA191-MPP', [66, 125, 132, 150, 159, 160]],
    ['a phone that asks for an ACS', 'dslforum.org CP-8851-3PCC\0', OURS],
    ['a phone that says it the other way round', 'CP-8851-3PCC dslforum.org', OURS],
    ['who only asks for an ACS', 'dslforum.org', [43, 125]],
    ['a like-named model of another platform', 'CP-8875NR', []],
    ['another maker', 'yealink SIP-T46', []],
  ]
  it.each(table)('gives %s its options, asked for or not, and no more [MPP §10.2]', async (_, text, expected) => {
    const found = await ask([60, utf8Bytes(text)])
    expect(OURS.filter((code) => found.has(code))).toEqual(expected)
  })

  it('sends every byte of 43, 125 and 159, which Kea is known to cut [TR-069 §9.2]', async () => {
    const class124 = encodeVendorClass124()
    if (!class124.ok) throw new Error('no option 124')
    const found = await ask([60, utf8Bytes(`${ACS_VENDOR_CLASS} CP-8851-3PCC`)], [124, class124.value])
    const bytes = (code: number): Uint8Array => found.get(code) ?? new Uint8Array(0)
    const acs = {
      url: SETTINGS.acs?.url,
      provisioningCode: 'TLCO.GRP2',
      retryMinimumWait: '5',
      retryMultiplier: '2000',
    }
    expect(decodeAcsOption43(bytes(43))).toEqual({ ok: true, value: acs })
    expect(decodeAcsOption125(bytes(125))).toEqual({ ok: true, value: acs })
    expect(decodeGatewayOption125(bytes(125))).toMatchObject({
      ok: true,
      value: { gateway: { serialNumber: 'GW0001' } },
    })
    expect(utf8Text(bytes(159))).toBe('http://192.0.2.1:8080')
    expect([...bytes(150)]).toEqual([192, 0, 2, 1])
  })
})
