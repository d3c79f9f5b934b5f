/** A real Kamailio takes the REGISTER of the virtual phone. Source: RFC 3261 §10, §22; MPP §13.4. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

import { describe, expect, it } from 'vitest'

import { type Account, type AccountOptions, type BenchPhone, eventually, HOST, openBench } from '../journeys/testing.ts'
import { startKamailio } from './kamailio.ts'

/** A phone renews a registration of an hour half a minute early. */
const RENEWED_AFTER_S = 3600 - 32

const bench = await openBench()

/** A phone that the server has given the account's line. */
async function provisioned(
  options: AccountOptions,
): Promise<{ readonly phone: BenchPhone; readonly account: Account }> {
  const account = await bench.account(options)
  const phone = await bench.phone()
  await phone.openLink(`${bench.server.publicUrl}/cisco-init/${await bench.code(account)}`)
  return { phone, account }
}

describe('Kamailio', () => {
  it.each(['UDP', 'TCP'] as const)(
    'registers the phone over %s, again before its time is over, and lets it go when it is switched off [RFC 3261 §10.2]',
    async (transport) => {
      const { phone, account } = await provisioned({ transport })
      await bench.registered(phone, account)
      const [first, ...more] = await bench.bindingsOf(account)
      expect(more).toEqual([])
      expect(first?.contact).toMatch(new RegExp(`^sip:${account.lines[0]?.userId}@${HOST}:\\d+`))
      expect(first?.contact.includes(';transport=tcp')).toBe(transport === 'TCP')
      expect(first?.userAgent).toBe('Cisco-CP-8851-3PCC/12.0.2')

      phone.later(RENEWED_AFTER_S)
      await eventually(
        'the next REGISTER',
        async () => ((await bench.bindingsOf(account))[0]?.cseq ?? 0) > (first?.cseq ?? 0),
      )
      const again = await bench.bindingsOf(account)
      expect(again.map(({ contact, callId }) => ({ contact, callId }))).toEqual([
        { contact: first?.contact, callId: first?.callId },
      ])
      expect(phone.names().filter((name) => name === 'registered')).toHaveLength(1)
      expect(phone.names()).not.toContain('registration-failed')

      await phone.phone.switchOff()
      await eventually('the end of the binding', async () => (await bench.bindingsOf(account)).length === 0)
    },
  )

  it('refuses a wrong password: the phone says so and nobody is registered [RFC 3261 §22.1]', async () => {
    const { phone, account } = await provisioned({ wrongPassword: true })
    const failure = await phone.says('registration-failed')
    expect(failure.data).toMatchObject({ line: 1, userId: account.lines[0]?.userId, status: 403, reason: 'Forbidden' })
    expect(await bench.bindingsOf(account)).toEqual([])
    expect(phone.names()).not.toContain('registered')
  })

  it('takes the phone when its password has become the right one', async () => {
    const { phone, account } = await provisioned({ wrongPassword: true })
    await phone.says('registration-failed')
    const { items } = await bench.api<{ items: readonly { readonly password: string }[] }>(
      'GET',
      `accounts/${account.id}/lines?reveal=true`,
    )
    await bench.registrar.allow(account.lines[0]?.userId ?? '', items[0]?.password ?? '')
    phone.later(1200) // Reg_Retry_Long_Intvl
    await bench.registered(phone, account)
  })

  it('does not register one user with the credentials of another', async () => {
    const account = await bench.account()
    const other = await bench.account()
    const phone = await bench.phone()
    const layer = { User_ID_1_: { value: account.lines[0]?.userId }, Auth_ID_1_: { value: other.lines[0]?.userId } }
    await bench.register(phone, other)
    await bench.api('PUT', `layers/device/${phone.mac}`, { parameters: layer })
    await phone.openLink(`${bench.server.publicUrl}/cisco-init`)
    await phone.says('registration-failed')
    expect([...(await bench.bindingsOf(account)), ...(await bench.bindingsOf(other))]).toEqual([])
  })
})

describe('our Kamailio', () => {
  it('leaves no process behind when it is stopped', async () => {
    const kamailio = await startKamailio()
    expect((await groupOf(kamailio.pid)).length).toBeGreaterThan(1)
    await kamailio.stop()
    expect(await groupOf(kamailio.pid)).toEqual([])
  })

  it('leaves no process behind when its owner is killed', async () => {
    const script = fileURLToPath(new URL('testdata/hold-kamailio.ts', import.meta.url))
    const owner = spawn(process.execPath, ['--import', 'tsx', script], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [said] = (await once(owner.stdout, 'data')) as [Buffer]
    const pid = Number(said.toString())
    expect((await groupOf(pid)).length).toBeGreaterThan(1)
    owner.kill('SIGKILL')
    await eventually('the end of its Kamailio', async () => (await groupOf(pid)).length === 0)
  })
})

/** Numbers of the living processes of a group. */
async function groupOf(leader: number): Promise<readonly number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^[0-9]+$/.test(name))
  const groups = await Promise.all(pids.map(async (pid) => ({ pid: Number(pid), group: await groupNumber(pid) })))
  return groups.filter(({ group }) => group === leader).map(({ pid }) => pid)
}

/** @returns undefined for a process that has ended */
async function groupNumber(pid: string): Promise<number | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
    const [state, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return state === 'Z' ? undefined : Number(group)
  } catch {
    // It ended while we looked.
    return undefined
  }
}
