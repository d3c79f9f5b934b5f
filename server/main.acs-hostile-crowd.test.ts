/** Many at once, and slow ones: what strangers may take of the ACS in sockets, memory and time. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { assert } from '../protocol/result.ts'
import { head, informText, openAcsBench, post, RawConnection } from './testing-acs-bench.ts'

const MIB = 1024 * 1024
/** What strangers get at the doors of these tests, in milliseconds. */
const SHORT = { handshakeMs: 500, headersMs: 500, requestMs: 1000 }
/** Within which the above must have happened, on a machine that is busy with other tests. */
const SOON_MS = 15_000
/** For what is to take its time. */
const LONG_MS = 100_000

const bench = await openAcsBench()
const others = await Promise.all([1, 2, 3, 4, 5].map(() => bench.bound()))
for (const other of others) await bench.certified(other).session(['0 BOOTSTRAP'])
let turns = 0

const raws: RawConnection[] = []
afterEach(() => {
  for (const raw of raws.splice(0)) raw.close()
})

type Doors = Awaited<ReturnType<typeof bench.doors>>

/** One more device is served, from its handshake on. */
async function isServed(doors?: Doors): Promise<void> {
  const other = others[turns++ % others.length]
  assert(other !== undefined, 'there are others')
  const device = bench.certified(other, doors)
  expect(await device.session(['2 PERIODIC'])).toEqual([])
  device.close()
}

/** The same, where a busy server may send devices away for a moment. */
function served(doors?: Doors): Promise<boolean> {
  return isServed(doors).then(
    () => true,
    () => false,
  )
}

/** Waits for something that happens by itself. */
async function becomes(what: string, is: () => boolean | Promise<boolean>, withinMs = SOON_MS): Promise<void> {
  const until = performance.now() + withinMs
  while (!(await is())) {
    assert(performance.now() < until, `within ${withinMs} ms: ${what}`)
    await pause(20)
  }
}

/** Sends a byte every few milliseconds for as long as anybody listens. @returns how many */
async function drip(raw: RawConnection, bytes: Buffer): Promise<number> {
  for (const [index, byte] of bytes.entries()) {
    if (!(await raw.writeSlowly(Buffer.of(byte)))) return index
    await pause(10)
  }
  return bytes.length
}

/** Connections from a process of its own, so that each side has its own limit of files; they say what `text` says. */
async function crowd(port: number, count: number, text: string): Promise<{ open: () => number; end: () => void }> {
  const program = `
    const { connect } = require('node:net')
    const text = Buffer.from(process.argv[3], 'hex')
    let open = 0
    function one() {
      const socket = connect(Number(process.argv[1]), '127.0.0.1', () => { open += 1; if (text.length > 0) socket.write(text) })
      socket.on('error', () => {})
      socket.on('close', () => { open -= 1 })
    }
    let left = Number(process.argv[2])
    const some = setInterval(() => {
      for (let each = 0; each < 200 && left > 0; each++, left--) one()
      if (left === 0) clearInterval(some)
    }, 10)
    setInterval(() => console.log(open), 50)
    process.stdin.resume().on('end', () => process.exit())
  `
  const child = spawn(
    process.execPath,
    ['-e', program, String(port), String(count), Buffer.from(text, 'latin1').toString('hex')],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  )
  let open = 0
  child.stdout.on('data', (lines: Buffer) => (open = Number(lines.toString().trim().split('\n').at(-1))))
  await once(child, 'spawn')
  return { open: () => open, end: () => child.stdin.end() }
}

describe('ten thousand connections', () => {
  // As many as the machine allows to a process, when that is less: nothing is raised for a test.
  const files = Number(execFileSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }).trim())
  const count = Number.isNaN(files) ? 10_000 : Math.min(10_000, files - 500)

  it.each([
    ['that say nothing', 'port', count, ''],
    ['that stop in the middle of a head', 'port', count, 'POST / HTTP/1.1\r\nHost: acs\r\nX: '],
    // Each costs the processor of a test as much as several of the others.
    ['that begin a handshake and stop, fewer of them,', 'tlsPort', count / 4, '\x16\x03\x01\x02\x00'],
  ] as const)(
    '%s hold little memory, and a device is served meanwhile',
    async (_name, port, most, text) => {
      const long = { handshakeMs: LONG_MS, headersMs: LONG_MS, requestMs: LONG_MS }
      const doors = await bench.doors({ door: long })
      const before = process.memoryUsage().rss
      const mob = await crowd(doors[port], most, text)
      await becomes('they are connected', () => mob.open() >= most * 0.99, LONG_MS)
      await isServed(doors)
      const perConnection = (process.memoryUsage().rss - before) / most
      expect(perConnection).toBeLessThan(64 * 1024)
      mob.end()
      await isServed(doors)
      await doors.close()
    },
    LONG_MS + SOON_MS,
  )

  it('are no more than a door takes: beyond, they are closed at once, and room is free again when some go', async () => {
    const doors = await bench.doors({ door: { connectionsMax: 50 } })
    const mob = await crowd(doors.tlsPort, 50, '')
    await becomes('all places are taken', () => mob.open() === 50)
    const late = await RawConnection.plain(doors.tlsPort)
    raws.push(late)
    await late.closed
    mob.end()
    await becomes('there is room again', () => served(doors))
  })
})

describe('a sender of one byte at a time', () => {
  it('has its time for the head and no more, whoever it is, and stops nobody else', async () => {
    const doors = await bench.doors({ door: SHORT })
    const slow = await Promise.all(
      Array.from({ length: 40 }, async () => {
        const raw = await RawConnection.plain(doors.port)
        raws.push(raw)
        return drip(raw, Buffer.from(head({ 'X-Long': 'x'.repeat(10_000) })))
      }).concat(
        Array.from({ length: 5 }, async () => {
          await isServed(doors)
          return 0
        }),
      ),
    )
    expect(Math.max(...slow)).toBeLessThan(10_000)
    await isServed(doors)
  })

  it('has its time for a body too, and its session is over with it', async () => {
    const doors = await bench.doors({ door: SHORT })
    const bound = await bench.bound()
    const raw = await RawConnection.tls(doors.tlsPort, bench.ca, bound.pair)
    raws.push(raw)
    raw.write(post(informText(bench.certified(bound))))
    expect((await raw.answer())?.status).toBe(200)
    expect(doors.isCalling(bound.mac)).toBe(true)
    raw.write(head({ 'Content-Length': 10_000 }))
    const dripping = drip(raw, Buffer.alloc(10_000, 0x20))
    await isServed(doors)
    expect(await dripping).toBeLessThan(10_000)
    await becomes('the session is over', () => !doors.isCalling(bound.mac))
    expect((await bench.certified(bound, doors).session(['1 BOOT'])).length).toBeGreaterThan(0)
  })

  it('who does not take its answers is closed, and nothing is read from it meanwhile', async () => {
    const doors = await bench.doors({ door: { stuckMs: 500 } })
    const socket: Socket = connect(doors.port, '127.0.0.1')
    await once(socket, 'connect')
    socket.pause().on('error', () => undefined)
    const closed = new Promise((known) => socket.once('close', known))
    const many = Buffer.from('GET / HTTP/1.1\r\nHost: acs\r\n\r\n'.repeat(500))
    let sent = 0
    const pour = (): void => {
      do sent += many.length
      while (sent < 64 * MIB && socket.write(many))
    }
    socket.on('drain', pour)
    pour()
    await closed
    expect(sent).toBeLessThan(64 * MIB)
    await becomes('a device is served', () => served(doors))
  })

  it('who guesses on one connection is asked who it is some times, and then closed', async () => {
    const raw = await RawConnection.plain(bench.ports.port)
    raws.push(raw)
    raw.write(post('', { Authorization: 'Basic YTpi' }).toString().repeat(1000))
    let asked = 0
    while ((await raw.answer())?.status === 401) asked += 1
    expect(asked).toBe(20)
    await raw.closed
    await becomes('a device is served', () => served())
  })
})

describe('a handshake that never ends', () => {
  it.each([
    ['for it never begins', ''],
    ['for it stops after its first bytes', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
  ])('%s, is broken off, and others shake hands meanwhile', async (_name, text) => {
    const doors = await bench.doors({ door: SHORT })
    const raw = await RawConnection.plain(doors.tlsPort)
    raws.push(raw)
    if (text !== '') raw.write(Buffer.from(text, 'latin1'))
    await isServed(doors)
    await raw.closed
  })

  it('does not keep the server from stopping', async () => {
    const doors = await bench.doors()
    const raw = await RawConnection.plain(doors.tlsPort)
    const half = await RawConnection.plain(doors.port)
    half.write('POST / HTTP/1.1\r\n')
    await isServed(doors)
    const began = performance.now()
    await doors.close()
    expect(performance.now() - began).toBeLessThan(5000)
    await Promise.all([raw.closed, half.closed])
  })
})

describe('sessions', () => {
  it('that are silent are given up, and told of [TR-069 §1.2]', async () => {
    let now = Date.now()
    const doors = await bench.doors({ now: () => now })
    const bound = await bench.bound()
    const device = bench.certified(bound, doors)
    await device.say(device.informOf(['1 BOOT']))
    expect((await device.post('')).message?.body.kind).toBe('GetParameterNames')
    now += 29_000
    expect(doors.isCalling(bound.mac)).toBe(true)
    now += 2000
    await becomes('the session is given up', () => !doors.isCalling(bound.mac))
    expect(await bench.provider.eventsOf(bound.mac)).toContain('tr069.session-failed')
    expect((await device.post('')).status).toBe(400)
  })

  it('end after ten minutes, however busy they are [TR-069 §1.2]', async () => {
    let now = Date.now()
    const doors = await bench.doors({ now: () => now, session: { silenceMs: 3_600_000 } })
    const bound = await bench.bound()
    const device = bench.certified(bound, doors)
    await device.say(device.informOf(['1 BOOT']))
    now += 10 * 60_000 + 1
    await becomes('the session is given up', () => !doors.isCalling(bound.mac))
    expect((await device.post('')).status).toBe(400)
  })

  it('beyond the most are told to come later, while those under way go on and may begin anew', async () => {
    const doors = await bench.doors({ session: { sessionsMax: 1 } })
    const [first, second] = [bench.certified(await bench.bound(), doors), bench.certified(await bench.bound(), doors)]
    await first.say(first.informOf(['1 BOOT']))
    const turnedAway = await second.say(second.informOf(['1 BOOT']))
    expect(turnedAway.status).toBe(503)
    expect(Number(turnedAway.headers['retry-after'])).toBeGreaterThanOrEqual(30)
    expect((await first.post('')).message?.body.kind).toBe('GetParameterNames')
    expect((await first.session(['1 BOOT'])).length).toBeGreaterThan(0)
    // Whom we have nothing more to ask makes way, although it has not said good-bye.
    expect((await second.session(['1 BOOT'])).length).toBeGreaterThan(0)
  })

  it('are told to come later while the clock of the server is late, and are served after', async () => {
    const [late, onTime] = [await bench.doors({ door: { lateMs: -1 } }), await bench.doors()]
    const bound = await bench.bound()
    const turnedAway = bench.certified(bound, late)
    const answer = await turnedAway.say(turnedAway.informOf(['1 BOOT']))
    expect(answer.status).toBe(503)
    expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(30)
    expect((await bench.certified(bound, onTime).session(['1 BOOT'])).length).toBeGreaterThan(0)
  })

  it('that have only to be closed by the device do not count as calls, and it may still say something [TR-069 §1.1]', async () => {
    const doors = await bench.doors()
    const bound = await bench.bound()
    const device = bench.certified(bound, doors)
    await device.session(['1 BOOT'])
    expect(doors.isCalling(bound.mac)).toBe(false)
    expect((await device.say({ kind: 'GetRPCMethods' })).message?.body.kind).toBe('GetRPCMethodsResponse')
    expect(doors.isCalling(bound.mac)).toBe(true)
    expect((await device.post('')).status).toBe(204)
    expect(await bench.provider.eventsOf(bound.mac)).not.toContain('tr069.session-failed')
  })

  it('of one device come at its pace: a flood of Informs is told to come later [TR-069 §11]', async () => {
    const now = Date.now()
    const doors = await bench.doors({ now: () => now, session: { burst: 3 } })
    const device = bench.certified(await bench.bound(), doors)
    const statuses: number[] = []
    for (let count = 0; count < 5; count++) statuses.push((await device.say(device.informOf(['1 BOOT']))).status)
    expect(statuses).toEqual([200, 200, 200, 503, 503])
    await isServed(doors)
  })

  it('for which the database has no good answer end alone: 503, and all others go on', async () => {
    const { db } = bench.server.platform
    const [unlucky, lucky] = [await bench.bound(), await bench.bound()]
    const device = bench.certified(unlucky)
    const other = bench.certified(lucky)
    await other.say(other.informOf(['0 BOOTSTRAP']))
    const run = (name: string, text: string) => db.run({ name: `test-${name}`, text, values: [] })
    await run(
      'function',
      `create function fail() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$`,
    )
    await run(
      'trigger',
      `create trigger fail before insert or update on acs_state for each row
      when (new.mac = '${unlucky.mac}') execute function fail()`,
    )
    const answer = await device.say(device.informOf(['0 BOOTSTRAP']))
    expect([answer.status, answer.headers['retry-after']]).toEqual([503, '30'])
    expect((await other.post('')).message?.body.kind).toBe('GetParameterNames')
    await run('drop', 'drop trigger fail on acs_state')
    expect((await device.session(['0 BOOTSTRAP'])).length).toBeGreaterThan(0)
  })
})
