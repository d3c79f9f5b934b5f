import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { dhcpHere as dhcp, type Said } from './dhcp/testing.ts'
import { offhook, scratch } from './testing-process.ts'

vi.setConfig({ testTimeout: 60_000 })

const folder = scratch()
const STRANGE = join(folder, 'strange')
writeFileSync(STRANGE, 'hello')
const PUBLIC = ['--public-url', 'https://prov.example.com', '--server', '192.0.2.10']
const BENCH = [
  '--subnet',
  '192.0.2.0/24',
  '--pool',
  '192.0.2.50-192.0.2.200',
  '--router',
  '192.0.2.1',
  '--dns',
  '192.0.2.1',
]

/** A configuration that came by a pipe. */
async function piped(args: readonly string[], input: string): Promise<Said> {
  const ended = await offhook(['dhcp', ...args], input)
  return { code: ended.code ?? -1, output: ended.output.toString(), errors: ended.errors }
}

interface Written {
  readonly files: readonly { readonly name: string; readonly text: string }[]
  readonly notes: readonly string[]
}

async function written(...args: readonly string[]): Promise<Written> {
  const said = await dhcp([...args, '--json'])
  expect({ code: said.code, errors: said.errors }).toEqual({ code: 0, errors: '' })
  return JSON.parse(said.output) as Written
}

describe('offhook dhcp', () => {
  it.each(['kea', 'dnsmasq', 'isc'])(
    'prints for %s what it finds nothing wrong in, and the notes on stderr',
    async (daemon) => {
      const said = await dhcp(['--for', daemon, ...PUBLIC, '--standard-ports', ...BENCH])
      expect(said.code).toBe(0)
      expect(said.output).toMatch(/^# \S+\n/)
      expect(said.output).toContain('CP-8851-3PCC')
      expect(said.errors).toMatch(/^offhook: /)
      const path = join(folder, daemon)
      writeFileSync(path, said.output)
      expect(await dhcp(['check', path])).toEqual({ code: 0, errors: '', output: `${path}: nothing is wrong\n` })
    },
  )

  it('names TFTP where it has its own port, else HTTP, and the name of the public URL', async () => {
    const [standard, other] = [
      await written('--for', 'dnsmasq', ...PUBLIC, '--standard-ports', '--options', '66,160'),
      await written('--for', 'dnsmasq', ...PUBLIC),
    ]
    expect(standard.files[0]?.text).toContain('160,"tftp://prov.example.com')
    expect(other.files[0]?.text).toContain('66,"http://prov.example.com:8080')
  })

  it('takes every wish', async () => {
    const npsWords = '--options 66,160 --scheme https --voice-vlan 20@132 --model CP-8851-3PCC --model CP-8841-3PCC'
    const acsWords = '--acs --provisioning-code P7 --acs-retry 5,2000 --gateway 00d09e,2BFF1A,Router'
    const ipv6Words = '--ipv6 2001:db8::10 --subnet6 2001:db8:1::/64 --pool6 2001:db8:1::100-2001:db8:1::1ff'
    const words = [npsWords, acsWords, ipv6Words].flatMap((line) => line.split(' '))
    const { files } = await written('--for', 'kea', ...PUBLIC, ...BENCH, ...words)
    const text = JSON.stringify(files)
    for (const part of [
      '192.0.2.0/24',
      '2001:db8:1::/64',
      'https://prov.example.com',
      'CP-8851-3PCC',
      'CP-8841-3PCC',
    ]) {
      expect(text).toContain(part)
    }
    expect(text).not.toContain('CP-7841-3PCC')
  })

  it('names an ACS behind another name and path, and refuses one in clear', async () => {
    const url = 'https://acs.example.net:7547/cwmp'
    const { files } = await written('--for', 'dnsmasq', ...PUBLIC, '--acs-url', url)
    const bytes = Buffer.from(url)
      .toString('hex')
      .replaceAll(/(..)(?!$)/g, '$1:')
    expect(files[0]?.text).toContain(`43,01:21:${bytes}\n`)
    const clear = await dhcp(['--for', 'kea', ...PUBLIC, '--acs-url', 'http://acs.example.net/'])
    expect({ code: clear.code, output: clear.output }).toEqual({ code: 1, output: '' })
    expect(clear.errors).toMatch(/acs\.url: Cannot send "http:\/\/acs\.example\.net".*\(acs-not-tls\)/)
  })

  it('writes files into a folder, again over its own, and never over what somebody else wrote', async () => {
    const out = join(folder, 'out')
    const args = ['--for', 'kea', ...PUBLIC, '--out', out]
    const first = await dhcp(args)
    const names = readdirSync(out)
    expect(first).toMatchObject({ code: 0, output: names.map((name) => `${join(out, name)}\n`).join('') })
    expect((await dhcp(args)).code).toBe(0)
    const path = join(out, names[0] ?? '')
    writeFileSync(path, '{ "Dhcp4": {} }')
    const refused = await dhcp(args)
    expect({ code: refused.code, output: refused.output }).toEqual({ code: 1, output: '' })
    expect(refused.errors).toMatch(/there is a file that Offhook did not write/)
    expect(readFileSync(path, 'utf8')).toBe('{ "Dhcp4": {} }')
  })

  it('tells every problem with advice, and writes nothing', async () => {
    const out = join(folder, 'none')
    const said = await dhcp([
      '--for',
      'kea',
      ...PUBLIC,
      '--subnet',
      '192.0.2.0/33',
      '--pool',
      'x',
      '--options',
      '150',
      '--out',
      out,
    ])
    expect({ code: said.code, output: said.output }).toEqual({ code: 1, output: '' })
    expect(said.errors).toMatch(/^offhook: Cannot write the configuration:\n {2}\S+: .* \([a-z0-9-]+\)\n {6}\S/)
    expect(said.errors.split('\n').length).toBeGreaterThan(4)
    expect(() => readdirSync(out)).toThrow(/ENOENT/)
  })

  it.each([
    [[], /whose configuration\? Give --for kea/],
    [['--for', 'kea'], /where do phones find the server\? Give --public-url/],
    [['--for', 'cups'], /Allowed choices are kea, dnsmasq, isc/],
    [['--for', 'kea', ...PUBLIC, '--options', '66,67'], /"67" is none of 66, 150, 159, 160/],
    [['--for', 'kea', ...PUBLIC, '--voice-vlan', 'twenty'], /is not of the form ID\[@OPTION\]/],
    [['--for', 'kea', ...PUBLIC, '--acs-retry', '5,2000'], /belong to --acs/],
    [['--for', 'kea', ...PUBLIC, '--acs', '--acs-retry', '5'], /is not of the form MIN,MULT/],
    [['--for', 'kea', ...PUBLIC, '--gateway', 'x'], /is not of the form OUI,SERIAL/],
    [['--for', 'kea', ...PUBLIC, '--subnet', '192.0.2.0/24'], /--subnet and --pool belong together/],
    [['--for', 'kea', ...PUBLIC, '--router', '192.0.2.1'], /belong to --subnet/],
    [['--for', 'kea', ...PUBLIC, '--subnet6', '2001:db8::/64', '--pool6', 'x'], /--subnet6 needs --ipv6/],
    [['kea', 'status'], /which Kea\? Give --control/],
    [['kea', 'apply', '--control', '/nowhere', '--control6', '/nowhere', ...PUBLIC], /--control6 needs --ipv6/],
    [['kea', 'leases', '--control', 'ftp://x/'], /neither a path nor a URL/],
    [['check', STRANGE], /is not recognised as a configuration of kea/],
  ] as const)('%j ends with 2, says what is missing in one line, and leaves stdout empty', async (args, said) => {
    const ended = await dhcp(args)
    expect({ code: ended.code, output: ended.output }).toEqual({ code: 2, output: '' })
    expect(ended.errors).toMatch(said)
  })
})

describe('offhook dhcp check', () => {
  it('prints the problems as one JSON document and ends with 1', async () => {
    const path = join(folder, 'broken.conf')
    writeFileSync(path, '{ "Dhcp4": { "option-def": [ ')
    const said = await dhcp(['check', path, '--json'])
    expect({ code: said.code, errors: said.errors }).toEqual({ code: 1, errors: '' })
    const { problems } = JSON.parse(said.output) as { readonly problems: readonly Record<string, unknown>[] }
    expect(problems.length).toBeGreaterThan(0)
    for (const { code, place, message, advice } of problems) {
      expect([code, place, message, advice].map((text) => typeof text)).toEqual(
        Array.from({ length: 4 }, () => 'string'),
      )
    }
  })

  it('speaks to people: file, place, what and what to do', async () => {
    const path = join(folder, 'broken2.conf')
    writeFileSync(path, '{ "Dhcp4": ')
    const said = await dhcp(['check', path, '--for', 'kea'])
    expect(said.code).toBe(1)
    expect(said.output).toMatch(new RegExp(`^${path}: .*: .* \\([a-z0-9-]+\\)\n {4}\\S`))
    expect(said.output).toMatch(/\n\d+ problems?\n$/)
  })

  it('says of which server it is, when told where ours is', async () => {
    const path = join(folder, 'other.conf')
    writeFileSync(path, 'dhcp-option=tag:voice,66,"192.0.2.99"\n')
    const codes = async (...args: readonly string[]): Promise<readonly string[]> => {
      const said = await dhcp(['check', path, '--json', ...args])
      const { problems } = JSON.parse(said.output) as { readonly problems: readonly { readonly code: string }[] }
      return problems.map(({ code }) => code)
    }
    expect(await codes()).not.toContain('other-server')
    // Without a word of where we are, phones are taken to come by the redirect service.
    expect(await codes()).toContain('aborts-rc')
    expect(await codes('--server', '192.0.2.99', '--standard-ports')).not.toContain('aborts-rc')
    expect(await codes('--server', '192.0.2.10', '--standard-ports')).toContain('other-server')
    expect(await codes('--server', '192.0.2.99', '--standard-ports')).not.toContain('other-server')
    expect(await codes('--server', '192.0.2.99', '--options', 'none')).toContain('aborts-rc')
  })

  it('says why it cannot', async () => {
    const [latin, dir] = [join(folder, 'latin.conf'), join(folder, 'dir')]
    writeFileSync(latin, Buffer.from([0xff, 0xfe, 0x41]))
    mkdirSync(dir)
    expect((await dhcp(['check', latin])).errors).toMatch(/it is not text in UTF-8/)
    expect((await dhcp(['check', dir])).errors).toMatch(/it is a folder/)
    expect((await dhcp(['check', join(folder, 'gone')])).code).toBe(1)
  })

  it('reads standard input, as a program of its own', async () => {
    const said = await piped(['check', '-', '--json'], '{ "Dhcp4": ')
    expect({ code: said.code, errors: said.errors }).toEqual({ code: 1, errors: '' })
    expect((JSON.parse(said.output) as { readonly problems: readonly unknown[] }).problems.length).toBeGreaterThan(0)
    const strange = await piped(['check', '-'], 'hello')
    expect(strange).toMatchObject({ code: 2, output: '' })
    expect(strange.errors).toMatch(/^offhook: standard input is not recognised/)
  })
})
