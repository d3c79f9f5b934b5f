/** What a power cut does: all phones of a provider boot in the same second. */
import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Flash, Hardware } from '../../phone/agent/mod.ts'
import { parseMacAddress, parseSerialNumber } from '../../protocol/identity.ts'
import { assert } from '../../protocol/result.ts'
import { suggestDelays } from '../../server/metrics/mod.ts'
import { SECRET_CONTEXT } from '../../server/store/mod.ts'
import { plant } from '../../server/testing.ts'
import type { WorldPhone } from '../mod.ts'
import { minutes, openPremises, openScene } from '../testing.ts'
import { ModelledDoor, passUntil, StormPhone } from './storm.ts'

const PHONES = 5000
/** A modest machine. */
const HANDSHAKES_PER_SECOND = 400
const SEED = 1
/** From power to the first resync of a phone that waits for nothing else. */
const BOOT_SECONDS = 30

const premises = await openPremises()
const server = await premises.newServer()
const scene = openScene(premises, server, SEED)
const { clock } = scene.world

const delays = suggestDelays({ phones: PHONES, handshakesPerSecond: HANDSHAKES_PER_SECOND, periodSeconds: 86_400 })
const account = await scene.operator.account({ lines: 0 })
await scene.operator.layer('provider', '-', delays)
const first = await scene.phone({ quickCertificate: true })
await provision(first)
const hardware = Array.from({ length: PHONES }, (_, index) => hardwareOf(index))
await registerBound(hardware)
// The index is read anew: five thousand phones came past the ordinary ways.
await server.stop()
await server.start()

/** One phone goes the whole way; the others have the same in their flash. */
async function provision(phone: WorldPhone): Promise<void> {
  await scene.operator.register(phone, account)
  phone.powerOn()
  const done = await scene.world.until(() => (phone.parameter('GPP_P') ?? '').length === 16, minutes(10))
  assert(done, 'the first phone is provisioned')
  await scene.world.pass(minutes(5))
}

function hardwareOf(index: number): Hardware {
  const mac = parseMacAddress((0x00562c000000 + index).toString(16).padStart(12, '0'))
  const serial = parseSerialNumber(`FCS${index.toString(16).padStart(8, '0')}`)
  assert(mac !== undefined && serial !== undefined, 'the label names a phone')
  return { ...first.hardware, mac, serial }
}

/** As thousands of bindings would have left them. */
async function registerBound(phones: readonly Hardware[]): Promise<void> {
  const { db, vault } = premises.platform
  const macs = phones.map(({ mac }) => mac)
  await db.run({
    name: 'storm-devices',
    text: `insert into device (mac, serial, model, account_id, state, pinned_ca, profile_path, key_issued, key_confirmed, bound_at)
           select x.mac, x.serial, $3, $4, 'bound', $5, md5(x.mac), 1, 1, now()
             from unnest($1::text[], $2::text[]) as x (mac, serial)`,
    values: [
      macs,
      phones.map(({ serial }) => serial),
      first.hardware.productName,
      account.id,
      premises.labCaFingerprint,
    ],
  })
  for (const name of ['profile-key', 'admin-password', 'user-password', 'uid-password']) {
    const secret = plant(randomBytes(32).toString('hex'))
    await db.run({
      name: 'storm-secrets',
      text: `insert into device_secret (mac, name, generation, sealed)
             select x.mac, $3, 1, decode(x.sealed, 'hex') from unnest($1::text[], $2::text[]) as x (mac, sealed)`,
      values: [macs, macs.map((mac) => vault.seal(SECRET_CONTEXT.device(mac, name, 1), secret).toString('hex')), name],
    })
  }
}

function powerBack(count: number, handshakesPerSecond: number, flash: Flash) {
  const door = new ModelledDoor(clock, handshakesPerSecond)
  const at = clock.now
  let served = 0
  const phones = hardware.slice(0, count).map((each, index) => {
    const { mac, serial, productName } = each
    const certificate = { mac, serial, productName, caFingerprint: premises.labCaFingerprint, expired: false }
    const address = `203.0.113.${index % 250}`
    return new StormPhone(each, flash, { address, certificate }, { clock, door, server, onServed: () => (served += 1) })
  })
  for (const phone of phones) phone.powerOn()
  const last = () => Math.max(...phones.map(({ servedAt }) => servedAt ?? Number.POSITIVE_INFINITY))
  return { door, phones, servedCount: () => served, secondsUntilLast: () => (last() - at) / 1000 }
}

function withDelay(flash: Flash, value: string): Flash {
  const before = flash.parameters.get('Resync_Random_Delay')
  assert(before !== undefined, 'the phone knows the parameter')
  return { ...flash, parameters: new Map([...flash.parameters, ['Resync_Random_Delay', { ...before, value }]]) }
}

describe('after a power cut', () => {
  it('5,000 phones with the suggested delays come spread, and all are served [MPP §15]', async () => {
    expect(first.parameter('Resync_Random_Delay')).toBe(delays['Resync_Random_Delay'])
    const { door, servedCount, phones, secondsUntilLast } = powerBack(PHONES, HANDSHAKES_PER_SECOND, first.agent.flash)
    expect(await passUntil(clock, () => servedCount() === PHONES, minutes(6))).toBe(true)
    const spreadSeconds = Number(delays['Resync_Random_Delay']) * 20
    expect(spreadSeconds).toBe(100)
    expect(secondsUntilLast()).toBeLessThan(spreadSeconds + BOOT_SECONDS)
    expect(secondsUntilLast()).toBeGreaterThan(spreadSeconds * 0.9)
    expect(door.busiestSecond).toBeLessThan(HANDSHAKES_PER_SECOND)
    expect(door.counts).toMatchObject({ closed: 0, givenUp: 0 })
    expect(phones.reduce((sum, { failures }) => sum + failures, 0)).toBe(0)
  })

  it('without them they come too fast: they wait, some are closed and come back, and all are served in the end', async () => {
    const count = 300
    const { door, servedCount, phones } = powerBack(count, 5, withDelay(first.agent.flash, '2'))
    expect(await passUntil(clock, () => servedCount() === count, minutes(90))).toBe(true)
    expect(door.counts.deferred).toBeGreaterThan(100)
    expect(door.counts.givenUp + door.counts.closed).toBeGreaterThan(20)
    // What is under way never exceeds what the machine can bear.
    expect(door.counts.mostUnderWay).toBeLessThanOrEqual(door.limits.handshakesMax)
    expect(door.counts.mostWaiting).toBeLessThanOrEqual(door.limits.waitingMax)
    expect(phones.reduce((sum, { failures }) => sum + failures, 0)).toBeGreaterThan(20)
  })
})
