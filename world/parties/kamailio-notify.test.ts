/** A real Kamailio carries our NOTIFY to virtual phones: challenged by both, answered, resynced. Source: MPP §8; RFC 3261 §22. */
import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import { buildRequest, encodeSip } from '../../protocol/sip/mod.ts'
import { startServer } from '../../server/main.ts'
import { plant, scratchFolder } from '../../server/testing.ts'
import { type Account, type BenchPhone, eventually, HOST, openBench } from '../journeys/testing.ts'

const bench = await openBench({ outboundAllow: ['127.0.0.0/8'] })
const SENDER_PASSWORD = plant(randomBytes(12).toString('hex'))
await bench.registrar.allowSender('offhook', SENDER_PASSWORD)

interface ActionJson {
  readonly id: string
  readonly mac: string
  readonly state: string
  readonly via: string
  readonly steps: readonly { readonly state: string; readonly text: string }[]
}

const OVER = ['runs-version', 'failed', 'timed-out', 'cancelled']

type Kind = 'resync' | 'reboot' | 'restart' | 'report'

const PROXY = { host: bench.registrar.host, port: bench.registrar.port, user: 'offhook', password: SENDER_PASSWORD }

function useProxy(more: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
  return bench.api('PUT', 'sip-proxy', { ...PROXY, transport: 'UDP', ...more })
}

/** A bound phone that runs what is wanted, and is registered. */
async function settled(transport: 'UDP' | 'TCP' = 'UDP'): Promise<{ phone: BenchPhone; account: Account }> {
  const account = await bench.account({ transport })
  const phone = await bench.phone()
  await phone.openLink(`${bench.server.publicUrl}/cisco-init/${await bench.code(account)}`)
  await bench.registered(phone, account)
  phone.later(121)
  await bench.upToDate(phone.mac)
  return { phone, account }
}

function ask(phone: BenchPhone, kind: Kind, more: object = {}): Promise<ActionJson> {
  return bench.api('POST', `devices/${phone.mac}/actions`, { kind, ...more })
}

/** For a resync, to have come back is not yet the end. */
async function ended(action: ActionJson, ends = [...OVER, 'came-back']): Promise<ActionJson> {
  let last = action
  await eventually(`the end of ${action.id}`, async () => {
    last = await bench.api<ActionJson>('GET', `actions/${action.id}`)
    return ends.includes(last.state)
  })
  return last
}

function runs(action: ActionJson): Promise<ActionJson> {
  return ended(action, OVER)
}

const states = ({ steps }: ActionJson): readonly string[] => steps.map(({ state }) => state)

describe('NOTIFY resync through a real Kamailio', () => {
  it.each(['UDP', 'TCP'] as const)(
    'over %s is challenged by the proxy and by the phone, answered, and the phone runs the new profile [MPP §8]',
    async (transport) => {
      await useProxy({ transport })
      const { phone } = await settled(transport)
      const from = phone.said.length
      await bench.api('PUT', `layers/device/${phone.mac}`, { parameters: { Station_Display_Name: { value: 'Desk' } } })
      const done = await runs(await ask(phone, 'resync'))
      expect(done.via).toBe('sip')
      expect(states(done)).toEqual([
        'queued',
        'sent',
        'challenged',
        'challenged',
        'accepted',
        'came-back',
        'runs-version',
      ])
      expect(phone.names(from)).toContain('sip-notify')
      expect(phone.asked(from)).toContainEqual(expect.stringContaining('/cisco-init?'))
      expect(phone.agent().flash.parameters.get('Station_Display_Name')?.value).toBe('Desk')
      const story = await bench.story(phone.mac)
      expect(story).toEqual(
        expect.arrayContaining(['action.asked', 'action.accepted', 'action.came-back', 'action.runs-version']),
      )
    },
  )

  it('over UDP reaches a phone that is registered over TCP [RFC 3261 §18]', async () => {
    await useProxy()
    const { phone } = await settled('TCP')
    expect((await runs(await ask(phone, 'resync'))).state).toBe('runs-version')
  })

  it('for a reboot has the phone go down and come back [MPP §8]', async () => {
    await useProxy()
    const { phone } = await settled()
    const from = phone.said.length
    expect((await ended(await ask(phone, 'reboot'))).state).toBe('came-back')
    expect(phone.names(from)).toEqual(expect.arrayContaining(['sip-notify', 'reboot', 'boot']))
  })

  it('for a phone that is switched off fails, since nobody is registered', async () => {
    await useProxy()
    const { phone, account } = await settled()
    await phone.phone.switchOff()
    await eventually('the end of the binding', async () => (await bench.bindingsOf(account)).length === 0)
    const done = await ended(await ask(phone, 'resync'))
    expect([done.state, done.steps.at(-1)?.text]).toEqual(['failed', expect.stringContaining('404') as string])
  })

  it('reaches many phones in bulk, at the pace that was asked for', async () => {
    await useProxy()
    const phones: BenchPhone[] = []
    for (const transport of ['UDP', 'TCP', 'UDP', 'TCP'] as const) phones.push((await settled(transport)).phone)
    const macs = phones.map(({ mac }) => mac)
    const begun = Date.now()
    const asked = await bench.api<{ bulkId: string; count: number }>('POST', 'actions', {
      kind: 'resync',
      macs,
      perSecond: 5,
    })
    expect(asked.count).toBe(macs.length)
    const { items } = await bench.api<{ items: readonly ActionJson[] }>('GET', `actions?bulkId=${asked.bulkId}`)
    for (const item of items) expect((await runs(item)).state).toBe('runs-version')
    expect(Date.now() - begun).toBeGreaterThan(600 - 250)
  })
})

describe('a wrong password', () => {
  it('of our account at the proxy changes nothing [RFC 3261 §22.3]', async () => {
    const { phone } = await settled()
    await useProxy({ password: plant(randomBytes(12).toString('hex')) })
    const from = phone.said.length
    const done = await ended(await ask(phone, 'reboot'))
    expect([done.state, done.steps.at(-1)?.text]).toEqual([
      'failed',
      expect.stringContaining('proxy does not take') as string,
    ])
    expect(phone.names(from)).toEqual([])
  })

  it('of the line changes nothing: the phone refuses [MPP §8]', async () => {
    await useProxy()
    const { phone, account } = await settled()
    const lineId = account.lines[0]?.id ?? ''
    // The platform has another password than the phone runs.
    await bench.server.platform.db.run({
      name: 'test-other-password',
      text: 'update line set password = $2 where id = $1',
      values: [lineId, bench.server.platform.vault.seal(`line/${lineId}/password`, plant('c-other-line-password-7'))],
    })
    bench.server.platform.directory.apply({ kind: 'device', mac: phone.mac })
    const from = phone.said.length
    const done = await ended(await ask(phone, 'reboot'))
    expect([done.state, done.steps.at(-1)?.text]).toEqual([
      'failed',
      expect.stringContaining('credentials of its line') as string,
    ])
    expect(phone.names(from).filter((name) => name === 'reboot' || name === 'resync-asked')).toEqual([])
  })
})

describe('a NOTIFY with a foreign profile', () => {
  it('that does not come from the proxy is ignored by a phone as we provision it [MPP §8]', async () => {
    await useProxy()
    const { phone, account } = await settled()
    const [binding] = await bench.bindingsOf(account)
    const port = Number(/:(\d+)/.exec(binding?.contact.split('@')[1] ?? '')?.[1])
    const attacker = createSocket('udp4')
    attacker.bind(0, HOST)
    await once(attacker, 'listening')
    const heard: string[] = []
    attacker.on('message', (bytes) => heard.push(bytes.toString()))
    const from = phone.said.length
    const user = account.lines[0]?.userId ?? ''
    for (const event of ['resync;profile="http://evil.example/p.xml"', 'resync', 'reboot_now']) {
      const request = buildRequest({
        method: 'NOTIFY',
        uri: `sip:${user}@${HOST}:${port}`,
        from: 'sip:offhook@evil.example',
        fromTag: 'x',
        to: `sip:${user}@${HOST}`,
        callId: randomBytes(8).toString('hex'),
        cseq: 1,
        branch: `z9hG4bK${randomBytes(8).toString('hex')}`,
        via: { transport: 'UDP', host: HOST, port: attacker.address().port },
        headers: [['Event', event]],
      })
      attacker.send(encodeSip(request), port, HOST)
    }
    // What came later was answered, so what came before was taken note of or not at all.
    expect((await runs(await ask(phone, 'resync'))).state).toBe('runs-version')
    expect(heard).toEqual([])
    expect(phone.names(from).filter((name) => name === 'sip-notify')).toHaveLength(1)
    expect(phone.asked(from).join()).not.toContain('evil')
    attacker.close()
  })
})

describe('the SIP port', () => {
  it('that is taken is named at the start, with its setting', async () => {
    const other = createSocket('udp4')
    other.bind(0, HOST)
    await once(other, 'listening')
    const { port } = other.address()
    const settings = { ...bench.server.platform.settings, dataDir: scratchFolder(), sipPort: port, apiPort: 0 }
    const start = startServer({ settings, what: 'a test', log: pino({ level: 'silent' }) })
    await expect(start).rejects.toThrow(
      `Cannot listen on port ${port} (SIP): another program uses it. Choose another by OFFHOOK_SIP_PORT.`,
    )
    other.close()
  })
})

describe('the registrar feed', () => {
  it('says who is registered, and a phone that was just bound is asked to say what it runs [MPP §8]', async () => {
    await useProxy()
    await bench.api('PUT', 'registrar-feed', { url: bench.registrar.rpcUrl, perSecond: 100 })
    const account = await bench.account()
    const phone = await bench.phone()
    await phone.openLink(`${bench.server.publicUrl}/cisco-init/${await bench.code(account)}`)
    await bench.registered(phone, account)
    // Nobody waits for its look back: the NOTIFY comes by itself.
    await bench.upToDate(phone.mac)
    const { items } = await bench.api<{ items: readonly (ActionJson & { who: string })[] }>(
      'GET',
      `devices/${phone.mac}/actions`,
    )
    expect(items.map(({ who }) => who)).toEqual(['system:registrar'])
    const known = await bench.api<{ trust: string; lines: readonly Record<string, unknown>[] }>(
      'GET',
      `devices/${phone.mac}/registration`,
    )
    expect(known).toMatchObject({
      trust: 'registrar',
      lines: [{ registered: true, userId: account.lines[0]?.userId, userAgent: 'Cisco-CP-8851-3PCC/12.0.2' }],
    })
  })
})
