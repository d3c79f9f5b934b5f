import { describe, expect, it } from 'vitest'
import type { FetchOutcome } from '../phone/agent/mod.ts'
import { assert } from '../protocol/result.ts'
import { CALM, chanceOf, Network, PUBLIC_URL, SipRegistrar, storm, VirtualClock, WORLD_START } from './mod.ts'
import { play } from './scenarios/life.ts'
import { planOf } from './scenarios/life-plan.ts'
import { FACTORY_LOAD, hours, minutes, NEW_LOAD, openPremises, openScene } from './testing.ts'
import { readByTftp, TftpDoor } from './tftp-link.ts'

const premises = await openPremises()
const server = await premises.newServer()
const otherPremises = await openPremises()

describe('the virtual clock', () => {
  it('jumps from one thing to the next, those of one moment in the order they were asked for', async () => {
    const clock = new VirtualClock(0)
    const seen: string[] = []
    for (const [name, delay] of Object.entries({ late: 50, first: 10, second: 10, soon: 1 })) {
      clock.after(delay, () => void seen.push(`${name} ${clock.now}`))
    }
    for (let next = clock.next; next !== undefined; next = clock.next) {
      clock.jumpTo(next)
      await clock.happenNext()
    }
    expect(seen).toEqual(['soon 1', 'first 10', 'second 10', 'late 50'])
    expect(clock.now).toBe(50)
  })

  it('keeps thousands of things in order', async () => {
    const clock = new VirtualClock(0)
    const chance = chanceOf(1, 'clock')
    const seen: number[] = []
    for (let count = 0; count < 2000; count++) {
      const at = chance.whole(0, 500)
      clock.after(at, () => void seen.push(at))
    }
    while (clock.next !== undefined) await clock.happenNext()
    expect(seen).toEqual(seen.toSorted((a, b) => a - b))
    expect(seen).toHaveLength(2000)
  })
})

describe('chance', () => {
  it('gives each seed and each purpose a stream of its own, the same each time', () => {
    const rolls = (seed: number, purpose: string) => {
      const chance = chanceOf(seed, purpose)
      return Array.from({ length: 8 }, () => chance.whole(0, 999)).join()
    }
    expect(rolls(7, 'network')).toBe(rolls(7, 'network'))
    expect(new Set([rolls(7, 'network'), rolls(7, 'phone'), rolls(8, 'network'), rolls(9, 'network')]).size).toBe(4)
  })

  it('is fair enough', () => {
    const chance = chanceOf(3, 'fair')
    const hits = Array.from({ length: 10_000 }, () => chance.happens(0.25)).filter(Boolean).length
    expect(hits).toBeGreaterThan(2300)
    expect(hits).toBeLessThan(2700)
  })
})

describe('the network', () => {
  async function carried(count: number, weather = CALM): Promise<readonly number[]> {
    const clock = new VirtualClock()
    const network = new Network(clock, chanceOf(5, 'network'))
    network.weather = weather
    const arrived: number[] = []
    for (let index = 0; index < count; index++) network.carry(() => void arrived.push(index))
    while (clock.next !== undefined) await clock.happenNext()
    return arrived
  }

  it('loses, doubles and reorders datagrams in a storm, and loses none when it is calm', async () => {
    expect(new Set(await carried(500)).size).toBe(500)
    const arrived = await carried(500, storm(1))
    expect(new Set(arrived).size).toBeLessThan(450)
    expect(arrived.length).toBeGreaterThan(new Set(arrived).size)
    expect(arrived).not.toEqual(arrived.toSorted((a, b) => a - b))
  })

  it('decides about requests as the weather says', () => {
    const network = new Network(new VirtualClock(), chanceOf(6, 'network'))
    network.weather = storm(1)
    const fates = Array.from({ length: 500 }, () => network.requestFate())
    for (const kind of ['refused', 'answerCut'] as const) expect(fates.some((fate) => fate[kind])).toBe(true)
    expect(new Set(fates.map(({ arrivals }) => arrivals.length))).toEqual(new Set([0, 1, 2]))
    expect(fates.some(({ arrivals }) => (arrivals[0] ?? 0) > 30_000)).toBe(true)
  })
})

describe('TFTP in the world', () => {
  /** One file through a network as bad as that. */
  async function read(path: string, strength: number, seed: number): Promise<FetchOutcome> {
    const clock = new VirtualClock()
    server.enter(clock)
    const network = new Network(clock, chanceOf(seed, 'network'))
    network.weather = storm(strength)
    const door = new TftpDoor(server, clock)
    const outcomes: FetchOutcome[] = []
    const done = (outcome: FetchOutcome): void => void outcomes.push(outcome)
    readByTftp({ path, bytesMax: 100_000, address: `2a0a:1::${seed}`, port: 5000, network, clock, door, done })
    for (let next = clock.next; next !== undefined; next = clock.next) {
      clock.jumpTo(next)
      await clock.happenNext()
    }
    const [outcome] = outcomes
    assert(outcome !== undefined && outcomes.length === 1, 'a transfer ends once')
    return outcome
  }

  it('carries a file whole through loss, doubling and reordering, or says that it failed [RFC 1350 §2]', async () => {
    const path = `/firmware/kern88xx${NEW_LOAD.slice(NEW_LOAD.indexOf('.'))}.sbn`
    const calm = await read(path, 0, 0)
    assert(calm.kind === 'tftp-file', 'nothing is in the way')
    expect(calm.body).toHaveLength(1300)
    const stormy: FetchOutcome[] = []
    for (let seed = 1; seed <= 100; seed++) stormy.push(await read(path, 0.8, seed))
    const whole = stormy.filter((outcome) => outcome.kind === 'tftp-file')
    expect(whole.length).toBeGreaterThan(80)
    for (const outcome of whole) expect(Buffer.compare(outcome.body, calm.body)).toBe(0)
    for (const outcome of stormy) expect(['tftp-file', 'failed']).toContain(outcome.kind)
  })

  it('says what is not there', async () => {
    expect(await read('/firmware/none.sbn', 0, 1)).toMatchObject({ kind: 'tftp-error', code: 1 })
  })
})

describe('the registrar of the world', () => {
  it('registers nobody who does not know the password', async () => {
    const scene = openScene(premises, server, 2)
    const { world, operator } = scene
    const account = await operator.account()
    const code = await operator.code(account)
    for (const { userId } of account.lines) world.registrar.setPassword(userId, 'another one')
    const phone = await scene.phone()
    phone.powerOn()
    await world.until(() => phone.webReachable, minutes(2))
    phone.openResyncLink(`${PUBLIC_URL}/cisco-init/${code}`)
    await world.pass(minutes(30))
    expect(await operator.deviceOf(phone)).toMatchObject({ state: 'bound' })
    expect(phone.registered()).toEqual([])
    expect(world.registrar.contactOf(account.lines[0]?.userId ?? '', world.now)).toBeUndefined()
  })

  it('is not confused by noise', () => {
    const source = { address: '192.0.2.1', port: 5060 }
    expect(
      new SipRegistrar({ realm: 'r', nonce: 'n', tagPrefix: 't' }).receive(Uint8Array.of(1, 2, 3), source, WORLD_START),
    ).toBeUndefined()
  })
})

describe('a world', () => {
  it('refuses connections while its server is down, and goes on where it was when that is back', async () => {
    const scene = openScene(premises, server, 3)
    const { world, operator } = scene
    const account = await operator.account()
    const code = await operator.code(account)
    const phone = await scene.phone({ rcReachable: false })
    phone.powerOn()
    await world.until(() => phone.webReachable, minutes(2))
    await world.restartServer(minutes(3))
    expect(phone.openResyncLink(`${PUBLIC_URL}/cisco-init/${code}`)).toBe(200)
    await world.pass(minutes(2))
    expect(phone.says.map(({ event }) => event.text)).toContainEqual(expect.stringContaining('connection refused'))
    expect(world.server.isUp).toBe(false)
    await world.pass(minutes(2))
    expect(world.server.isUp).toBe(true)
    phone.openResyncLink(`${PUBLIC_URL}/cisco-init/${code}`)
    expect(await world.until(() => phone.registered().length > 0, minutes(5))).toBe(true)
    expect(phone.load).toBe(FACTORY_LOAD)
  })

  it('is played the same from the same seed, on another database too', async () => {
    const otherServer = await otherPremises.newServer()
    const stories = [
      { premises, server },
      { premises: otherPremises, server: otherServer },
    ]
    for (const seed of [1001, 1002, 1003]) {
      const runs: string[] = []
      for (const place of stories) {
        await place.server.start()
        const scene = openScene(place.premises, place.server, seed)
        await play(scene, planOf(seed))
        runs.push(
          scene.world.phones.flatMap(({ says }) => says.map(({ at, event }) => `${at} ${event.name}`)).join('\n'),
        )
      }
      expect(runs[0]).toBe(runs[1])
      expect(runs[0]?.length).toBeGreaterThan(500)
    }
  })

  it('does not go on for ever', async () => {
    const { world } = openScene(premises, server, 4)
    const again = (): void => world.clock.after(0, again)
    again()
    await expect(world.pass(hours(1))).rejects.toThrow('does not come to rest')
  })
})
