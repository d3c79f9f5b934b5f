import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { LAN_INTERFACE, type Lan, makeLan, type Namespace, type Running, serveDhcp } from './testing-lan.ts'

const MAIN = new URL('../../../cli/main.ts', import.meta.url).pathname
const SERVER = '192.168.77.1'
const RANGE = 'dhcp-range=192.168.77.50,192.168.77.99,255.255.255.0,120'
/** A program starts and a phone boots, while other tests run beside it. */
const TEST_MS = 120_000

const lans: Lan[] = []
afterEach(async () => {
  await Promise.all(lans.splice(0).map((lan) => lan.clear()))
})

interface Bench {
  readonly lan: Lan
  readonly server: Namespace
  /** Where the phones are; its interface has no address. */
  readonly desk: Namespace
  readonly folder: string
}

function bench(): Bench {
  const lan = makeLan()
  lans.push(lan)
  return {
    lan,
    server: lan.namespace('server', `${SERVER}/24`),
    desk: lan.namespace('desk'),
    folder: lan.folder(),
  }
}

function offhook({ desk, folder }: Bench, ...args: readonly string[]): Running {
  const { OFFHOOK_DATA: _data, OFFHOOK_PUBLIC_URL: _url, ...env } = process.env
  return desk.run(process.execPath, ['--import', import.meta.resolve('tsx'), MAIN, ...args], { cwd: folder, env })
}

interface Told {
  readonly name: string
  readonly text: string
  readonly data: Readonly<Record<string, unknown>>
}

/** The next event of that name. */
async function told(program: Running, name: string, from = 0): Promise<Told> {
  return JSON.parse(
    await program.line((line) => line.startsWith('{') && line.includes(`"name":"${name}"`), from),
  ) as Told
}

function allTold(program: Running, name: string): readonly Told[] {
  const lines = program.lines.filter((line) => line.startsWith('{'))
  return lines.map((line) => JSON.parse(line) as Told).filter((each) => each.name === name)
}

/** A program of a few lines, in the server's namespace, that says what it hears: `http 192.168.77.50 /path agent`. */
async function listen({ server }: Bench, profile: string): Promise<Running> {
  const script = `
    const http = require('node:http'), dgram = require('node:dgram')
    http.createServer((request, response) => {
      console.log('http', request.socket.remoteAddress, request.url, request.headers['user-agent'])
      response.end(${JSON.stringify(profile)})
    }).listen(8080, '${SERVER}', () => console.log('ready 8080'))
    for (const port of [69, 514, 5060]) {
      const socket = dgram.createSocket('udp4')
      socket.on('message', (bytes, from) => console.log('udp', port, from.address, bytes.toString('latin1').split('\\n')[0]))
      socket.bind(port, '${SERVER}', () => console.log('ready', port))
    }`
  const program = server.run(process.execPath, ['-e', script])
  for (const port of [8080, 69, 514, 5060]) await program.line(new RegExp(`ready ${port}`))
  return program
}

const PROFILE = `<flat-profile>
<Resync_Periodic>0</Resync_Periodic><Syslog_Server>${SERVER}</Syslog_Server><Debug_Level>DEBUG</Debug_Level>
<Line_Enable_1_>Yes</Line_Enable_1_><User_ID_1_>1001</User_ID_1_><Proxy_1_>sip.example.com</Proxy_1_>
<SIP_Transport_1_>UDP</SIP_Transport_1_></flat-profile>`

describe('a phone on a network interface', () => {
  it(
    'has its address by DHCP while it has power, works from there alone, and gives it back [RFC 2131 §4.4, MPP §10.1]',
    async () => {
      const lan = bench()
      const { desk, server, folder } = lan
      await desk.exec('ip', ['link', 'set', LAN_INTERFACE, 'down'])
      const dhcp = await serveDhcp(server, folder, [
        RANGE,
        'dhcp-authoritative',
        'port=53',
        `address=/prov.example.com/${SERVER}`,
        `address=/sip.example.com/${SERVER}`,
        'domain=example.com',
        'dhcp-option=160,http://prov:8080/$MA.cfg',
      ])
      const heard = await listen(lan, PROFILE)
      const phone = offhook(lan, 'phone', '--interface', LAN_INTERFACE, '--json', '--fast')

      const lease = await told(phone, 'dhcp-lease')
      const address = String(lease.data['address'])
      expect(lease.data).toMatchObject({ prefixLength: 24, server: SERVER, gateway: SERVER, renewed: false })
      expect(String(lease.data['options']).split(',')).toEqual(
        expect.arrayContaining(['1', '3', '6', '15', '51', '54', '160']),
      )
      expect(lease.text).not.toContain('prov')
      expect(desk.addresses()).toEqual([`${address}/24`])
      // Should the phone be killed, the kernel takes it away.
      const shown = await desk.exec('ip', ['-4', 'address', 'show', 'dev', LAN_INTERFACE])
      expect(shown.output).toMatch(/valid_lft [0-9]{1,3}sec/)
      expect((await desk.exec('ip', ['route'])).output).toContain(`default via ${SERVER} dev ${LAN_INTERFACE}`)

      // By name, which only the name server of the lease knows.
      expect(await heard.line(/^http/)).toMatch(new RegExp(`^http ${address} /000e08a1b2c3.cfg Cisco-CP-8851-3PCC`))
      await told(phone, 'profile-applied')
      expect(await heard.line(/^udp 5060/)).toMatch(new RegExp(`^udp 5060 ${address} REGISTER sip:sip.example.com`))
      expect(await heard.line(/^udp 514/)).toContain(`udp 514 ${address} `)

      const before = [phone.lines.length, dhcp.lines.length] as const
      const asked = await server.exec('curl', ['-s', '-m', '10', `http://${address}/admin/reboot`])
      expect(asked.code).toBe(0)
      expect((await told(phone, 'dhcp-discover', before[0])).data).toMatchObject({ lastAddress: address })
      expect((await told(phone, 'network-up', before[0])).data).toMatchObject({ address })
      // [RFC 2131 §4.3.2]: the address of before is asked for at once.
      const words = dhcp.lines
        .slice(before[1])
        .flatMap((line) => /DHCP(?:DISCOVER|OFFER|REQUEST|ACK)/.exec(line)?.[0] ?? [])
      expect(words.slice(0, 2)).toEqual(['DHCPREQUEST', 'DHCPACK'])

      expect(await phone.stop()).toMatchObject({ code: 0, errors: '' })
      expect(desk.addresses()).toEqual([])
      expect((await desk.exec('ip', ['route'])).output).toBe('')
      await dhcp.line((line) => line.includes(`DHCPRELEASE(${LAN_INTERFACE}) ${address} 00:0e:08:a1:b2:c3`))
    },
    TEST_MS,
  )

  it(
    'waits without a network until a server answers',
    async () => {
      const lan = bench()
      const phone = offhook(lan, 'phone', '--interface', LAN_INTERFACE, '--json', '--fast')
      await told(phone, 'dhcp-discover')
      expect(lan.desk.addresses()).toEqual([])
      expect(allTold(phone, 'network-up')).toEqual([])
      const dhcp = await serveDhcp(lan.server, lan.folder, [RANGE])
      await told(phone, 'network-up')
      const first = phone.lines.findIndex((line) => line.includes('"dhcp-lease"'))
      expect(phone.lines.findIndex((line) => line.includes('"network-up"'))).toBeGreaterThan(first)
      expect(dhcp.lines.join('\n')).toContain('DHCPACK')
    },
    TEST_MS,
  )

  it(
    'takes an address and options of DHCPv6 beside [RFC 8415 §18.2, MPP §10.1]',
    async () => {
      const lan = bench()
      await lan.server.exec('ip', ['address', 'add', 'fd00:77::1/64', 'dev', LAN_INTERFACE, 'nodad'])
      await serveDhcp(lan.server, lan.folder, [
        RANGE,
        'dhcp-range=fd00:77::50,fd00:77::99,64,120',
        'enable-ra',
        'dhcp-option=option6:160,http://[fd00:77::1]:8080/v6.cfg',
      ])
      const phone = offhook(lan, 'phone', '--interface', LAN_INTERFACE, '--ipv6', '--json', '--fast')
      const lease = await told(phone, 'dhcp-lease')
      expect(lease.data).toMatchObject({ addressV6: expect.stringMatching(/^fd00:77::/) as string })
      expect(String(lease.data['optionsV6']).split(',')).toContain('160')
      expect(lan.desk.addresses()).toContain(`${String(lease.data['addressV6'])}/128`)
      await phone.stop()
      expect(lan.desk.addresses().filter((text) => text.endsWith('/128'))).toEqual([])
    },
    TEST_MS,
  )

  it(
    'says in one line why it cannot be: no such interface, or another DHCP client on its port',
    async () => {
      const lan = bench()
      const nowhere = await offhook(lan, 'phone', '--interface', 'nosuch0', '--json').ended
      expect(nowhere).toEqual({
        code: 1,
        output: '',
        errors: `offhook: Cannot use interface "nosuch0": there is no such interface; expected one of lo, ${LAN_INTERFACE}\n`,
      })
      const other = lan.desk.run(process.execPath, [
        '-e',
        "require('node:dgram').createSocket({ type: 'udp4', reuseAddr: true }).bind(68, () => console.log('has it'))",
      ])
      await other.line(/has it/)
      const second = await offhook(lan, 'phone', '--interface', LAN_INTERFACE, '--json').ended
      expect(second).toMatchObject({ code: 1, output: '' })
      expect(second.errors).toMatch(/^offhook: Cannot open UDP port 68 for DHCP: another DHCP client uses it.*\n$/)
    },
    TEST_MS,
  )
})

describe('a fleet on a network interface', () => {
  it(
    'has an address for each of its boxes, and each phone comes from its own',
    async () => {
      const lan = bench()
      const boxes = join(lan.folder, 'boxes.csv')
      writeFileSync(
        boxes,
        'mac,serial,model\n00:0E:08:11:22:33,FCH2305DMH1,CP-8851-3PCC\n000e08112244,FCH2305DMH2,CP-6841-3PCC\n',
      )
      const dhcp = await serveDhcp(lan.server, lan.folder, [RANGE, `dhcp-option=160,http://${SERVER}:8080/$MA.cfg`])
      const heard = await listen(lan, '<flat-profile/>')
      const args = ['--boxes', boxes, '--arrival', 'at-once', '--until', 'never', '--fast', '--json']
      const fleet = offhook(lan, 'fleet', '--interface', LAN_INTERFACE, ...args)
      const lines = await Promise.all(
        ['000e08112233', '000e08112244'].map((mac) => heard.line(new RegExp(`/${mac}.cfg`))),
      )
      const leases = allTold(fleet, 'dhcp-lease')
      const addressOf = (mac: string): string => String(leases.find(({ data }) => data['mac'] === mac)?.data['address'])
      const own = [addressOf('000e08112233'), addressOf('000e08112244')]
      expect(new Set(own).size).toBe(2)
      expect(lines.map((line) => line.split(' ')[1])).toEqual(own)
      expect(lan.desk.addresses().toSorted()).toEqual(own.map((address) => `${address}/24`).toSorted())
      expect(leases.map(({ data }) => String(data['serial'])).toSorted()).toEqual(['FCH2305DMH1', 'FCH2305DMH2'])
      await fleet.stop()
      expect(lan.desk.addresses()).toEqual([])
      for (const address of own) await dhcp.line((line) => line.includes(`DHCPRELEASE(${LAN_INTERFACE}) ${address} `))
    },
    TEST_MS,
  )
})
