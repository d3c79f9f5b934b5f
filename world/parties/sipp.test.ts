/** `sipp` checks our NOTIFY as a proxy and a phone would, and sends its own to the virtual phone. Source: MPP §8; RFC 3261 §22. */
import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { checkDigest, parseDigestAuthorization } from '../../protocol/http/mod.ts'
import { plant } from '../../server/testing.ts'
import { type Account, type BenchPhone, eventually, openBench } from '../journeys/testing.ts'
import { startSipp } from './sipp.ts'

const bench = await openBench({ outboundAllow: ['127.0.0.0/8'] })
const TRANSPORTS = ['UDP', 'TCP'] as const

async function bound(
  transport: 'UDP' | 'TCP' = 'UDP',
): Promise<{ phone: BenchPhone; account: Account; password: string }> {
  const account = await bench.account({ transport })
  const phone = await bench.phone()
  await phone.openLink(`${bench.server.publicUrl}/cisco-init/${await bench.code(account)}`)
  await bench.registered(phone, account)
  const facts = await bench.server.platform.directory.device(phone.mac)
  return { phone, account, password: plant(facts?.lines[0]?.password ?? '') }
}

async function stateOf(id: string): Promise<string> {
  return (await bench.api<{ state: string }>('GET', `actions/${id}`)).state
}

/** sipp takes its keyword for credentials only as a whole. */
function senderFields({ lines }: Account, password: string, event: string): readonly string[] {
  const user = lines[0]?.userId ?? ''
  return [user, `[authentication username=${user} password=${password}]`, event]
}

describe('sipp as proxy and phone', () => {
  it.each(TRANSPORTS)(
    'over %s gets the right answers to its 407 and its 401 [RFC 3261 §22.2] [RFC 3261 §22.3] [MPP §8]',
    async (transport) => {
      const { phone, account, password } = await bound()
      const proxyPassword = plant(randomBytes(12).toString('hex'))
      const fields = [account.lines[0]?.userId ?? '', password]
      const sipp = await startSipp({ scenario: 'sipp-proxy-and-phone', fields, transport })
      const proxy = { host: sipp.host, port: sipp.port, transport, user: 'offhook', password: proxyPassword }
      await bench.api('PUT', `accounts/${account.id}/sip-proxy`, proxy)
      const { id } = await bench.api<{ id: string }>('POST', `devices/${phone.mac}/actions`, { kind: 'resync' })
      const { ok, complaint, logged } = await sipp.ended()
      expect({ ok, complaint }).toEqual({ ok: true, complaint: '' })
      const toProxy = parseDigestAuthorization(/Digest .*/.exec(logged)?.[0] ?? '')
      const expected = { method: 'NOTIFY', realm: 'proxy.example', username: 'offhook', qopRequired: true }
      expect(toProxy !== undefined && checkDigest(toProxy, { ...expected, password: proxyPassword })).toBe(true)
      await eventually('the acceptance', async () => (await stateOf(id)) === 'accepted')
    },
  )

  it('refuses the credentials of another line: what it checks is checked', async () => {
    const { phone, account } = await bound()
    const fields = [account.lines[0]?.userId ?? '', plant(randomBytes(12).toString('hex'))]
    const sipp = await startSipp({ scenario: 'sipp-proxy-and-phone', fields, transport: 'UDP' })
    const proxy = {
      host: sipp.host,
      port: sipp.port,
      user: 'offhook',
      password: plant(randomBytes(12).toString('hex')),
    }
    await bench.api('PUT', `accounts/${account.id}/sip-proxy`, proxy)
    const { id } = await bench.api<{ id: string }>('POST', `devices/${phone.mac}/actions`, { kind: 'resync' })
    await eventually('the refusal', async () => (await stateOf(id)) === 'failed')
    expect((await sipp.ended()).ok).toBe(true)
  })
})

describe('sipp as sender', () => {
  it.each(TRANSPORTS)(
    'over %s has the phone resync through the proxy, once it has answered its 401 [MPP §8]',
    async (transport) => {
      await bench.registrar.trustSenders(true)
      const { phone, account, password } = await bound(transport)
      const from = phone.said.length
      const to = { host: bench.registrar.host, port: bench.registrar.port }
      const fields = senderFields(account, password, 'resync')
      const sipp = await startSipp({ scenario: 'sipp-sender', fields, transport, to })
      expect(await sipp.ended()).toEqual({ ok: true, complaint: '', logged: '' })
      await phone.says('sip-notify', from)
      await eventually('its fetch', () => phone.asked(from).some((text) => text.includes('/cisco-init')))
    },
  )

  it('with another password gets 401 again and the phone does nothing [MPP §8]', async () => {
    await bench.registrar.trustSenders(true)
    const { phone, account } = await bound()
    const from = phone.said.length
    const to = { host: bench.registrar.host, port: bench.registrar.port }
    const fields = senderFields(account, plant(randomBytes(12).toString('hex')), 'reboot_now')
    const sipp = await startSipp({ scenario: 'sipp-sender', fields, transport: 'UDP', to })
    expect((await sipp.ended()).ok).toBe(false)
    expect(phone.names(from)).toEqual([])
  })
})
