import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'

import { eventually, kill, Place, Run } from './testing.ts'

/** On a quiet machine it takes 0.1 to 1.5 s; this one runs other tests, and perhaps the making of a database, meanwhile. */
const END_MAX_MS = 9000
const UP = 'Ctrl-C ends everything.'
const MAC = '000e08c0ffee'

// Many starts on a machine that runs other tests too.
vi.setConfig({ testTimeout: 180_000 })

let place: Place
beforeAll(async () => {
  place = await Place.make()
})
afterAll(async () => {
  await place.clear()
})

/** Every command that `offhook start` printed, as it stands there. */
function printedCommands(output: string): readonly string[] {
  const tries = output.slice(output.indexOf('Everything is up.'))
  return tries.split('\n').flatMap((line) => (/^ {4}\S/.test(line) ? [line.trim()] : []))
}

/** Positions of the texts, to be compared with their order. */
function placesOf(output: string, texts: readonly string[]): readonly number[] {
  return texts.map((text) => output.indexOf(text))
}

async function makeToken(): Promise<string> {
  const made = await place.offhook(['token', 'create', '--scope', 'admin', '--data', place.dataDir]).ended
  expect({ code: made.code, errors: made.errors }).toEqual({ code: 0, errors: '' })
  return made.output.trim()
}

/** What must be there once and only once, whatever happened to the processes. */
async function inventory(): Promise<object> {
  const token = await makeToken()
  const device = (await place.api(`devices/${MAC}`, token)).body as { state: string; accountId: string }
  const accounts = (await place.api('accounts', token)).body as { items: readonly object[] }
  const lines = (await place.api(`accounts/${device.accountId}/lines`, token)).body as {
    items: readonly { mac: string }[]
  }
  const devices = (await place.api('devices', token)).body as { items: readonly { mac: string }[] }
  return {
    state: device.state,
    accounts: accounts.items.length,
    lines: lines.items.length,
    linesOfPhone: lines.items.filter(({ mac }) => mac === MAC).length,
    devices: devices.items.map(({ mac }) => mac).toSorted(),
  }
}

const EVERYTHING_ONCE = {
  state: 'bound',
  accounts: 1,
  lines: 3,
  linesOfPhone: 1,
  devices: [MAC, '000e08c0ffe2'].toSorted(),
}

describe('offhook start on a fresh data directory', () => {
  let running: Run

  it('answers /health with 503 before everything is up and 200 after, and lets a token be made meanwhile', async () => {
    running = place.offhook(['start'])
    const seen = new Set<number>()
    await eventually('503', async () => (await note(seen)) === 503)
    const token = place.offhook(['token', 'create', '--scope', 'admin', '--data', place.dataDir])
    await eventually('200', async () => (await note(seen)) === 200)
    expect([...seen]).toEqual([0, 503, 200])
    const made = await token.ended
    expect({ code: made.code, errors: made.errors, isToken: /^oh_[\w-]{43}\n$/.test(made.output) }).toEqual({
      code: 0,
      errors: '',
      isToken: true,
    })
    expect((await place.api('accounts', made.output.trim())).status).toBe(200)
  })

  async function note(seen: Set<number>): Promise<number> {
    const status = await place.health()
    seen.add(status)
    return status
  }

  it('tells the way from sealed box to registered in its order', async () => {
    await running.until(UP)
    const order = placesOf(running.output, [
      'Offhook starts',
      `Phones: https://localhost:${place.ports.https}`,
      'Customer ID 1234abcd',
      `boots sip88xx`,
      `customer opens http://127.0.0.1:${place.ports.phone}/admin/resync?https://localhost:${place.ports.https}/cisco-init/1234abcd`,
      'Profile applied',
      'Customization state Aborted',
      'Resync finished',
      `(1001) is registered at 127.0.0.1:${place.ports.registrar}`,
      'Registered in advance (device.registered)',
      'Bound to the account (device.bound)',
      'Everything is up.',
      UP,
    ])
    expect(order).not.toContain(-1)
    expect(order).toEqual(order.toSorted((a, b) => a - b))
    expect(running.errors).toBe('')
  })

  it('prints lines that work as printed, down to a second phone that registers by a one-time code', async () => {
    const commands = printedCommands(running.output)
    const ofPhone = commands.filter((line) => /^\S+ phone /.test(line))
    const others = commands.filter((line) => !ofPhone.includes(line))
    expect({ ofPhone: ofPhone.length, others: others.length }).toEqual({ ofPhone: 1, others: 10 })
    const phone = place.paste(ofPhone)
    await phone.until('Web server at')
    const pasted = place.paste(others.map((line) => `${line}\necho; echo "--- next"`))
    const { code, output, errors } = await pasted.ended
    expect({ code, errors }).toEqual({ code: 0, errors: '' })
    const answers = output.split('--- next\n')
    const expected = [
      '',
      '"state":"bound"',
      '"origin"',
      '"device.bound"',
      '<Admin_Password',
      '<flat-profile>',
      'HTTP/1.1 4',
      '"openapi":"3.1.0"',
      '',
      'Accepted',
    ]
    expect(expected.map((text, index) => (answers[index]?.includes(text) === true ? 'as it should' : text))).toEqual(
      expected.map(() => 'as it should'),
    )
    await phone.until('(1002) is registered')
    expect((await phone.stop('SIGINT', 'group')).code).toBe(0)
  })

  it('refuses a second start on the same data directory in words', async () => {
    const second = await place.offhook(['start'], { OFFHOOK_API_PORT: '0', OFFHOOK_HTTP_PORT: '0' }).ended
    expect(second.code).toBe(1)
    expect(second.errors).toContain(
      `"${place.dataDir}": offhook start (pid ${running.pid}) is running there. Stop it first`,
    )
    expect(await place.health()).toBe(200)
  })

  it('ends by SIGTERM with exit code 0 and leaves no process', async () => {
    const ended = await running.stop('SIGTERM', 'process')
    expect(ended.code).toBe(0)
    expect(ended.tookMs).toBeLessThan(END_MAX_MS)
    await place.nothingLeft()
  })
})

describe('offhook start on data of an earlier start', () => {
  it('tells that the phone remembers, registers and resyncs, and makes nothing twice', async () => {
    const running = place.offhook(['start'])
    await running.until(UP)
    const { output } = running
    expect(output).toContain('provisioned at an earlier start and remembers')
    expect(output).toContain('Resync finished')
    expect(output).toContain(`(1001) is registered at 127.0.0.1:${place.ports.registrar}`)
    expect(output).not.toContain('customer opens')
    // What the platform noted at the first start is no news.
    expect(output).not.toContain('device.registered')
    expect(await inventory()).toEqual(EVERYTHING_ONCE)
    const ended = await running.stop('SIGINT', 'group')
    expect(ended.code).toBe(0)
    expect(ended.tookMs).toBeLessThan(END_MAX_MS)
    await place.nothingLeft()
  })

  it('loses nothing by kill -9 of everything, nor of Node alone, with a start right after', async () => {
    const first = place.offhook(['start'])
    await first.until(UP)
    for (const pid of await place.processes()) kill(pid)
    const second = place.offhook(['start'])
    await second.until(UP)
    expect(second.output).toContain('provisioned at an earlier start and remembers')
    expect(await inventory()).toEqual(EVERYTHING_ONCE)
    kill(second.pid)
    await second.ended
    const third = place.offhook(['start'])
    await third.until(UP)
    expect(third.output).toContain('(1001) is registered')
    expect(await inventory()).toEqual(EVERYTHING_ONCE)
    expect((await third.stop('SIGTERM', 'group')).code).toBe(0)
    await place.nothingLeft()
  })

  it('starts although the ports of registrar and phone are taken meanwhile, and says so', async () => {
    const { registrar, phone } = place.ports
    const taker = place.keep(new Run(process.execPath, ['-e', TAKE_PORTS, String(registrar), String(phone)], {}))
    await taker.until('taken')
    const running = place.offhook(['start'])
    await running.until(UP)
    expect(running.output).toContain(`UDP port ${registrar} is taken, so the registrar listens on`)
    expect(running.output).toContain(`Port ${phone} is taken, so the phone's web pages are on`)
    expect(running.output).toMatch(/\(1001\) is registered at 127\.0\.0\.1/)
    await running.stop('SIGTERM', 'process')
    await taker.stop('SIGKILL', 'group')
    const back = place.offhook(['start'])
    await back.until(UP)
    expect(back.output).not.toContain('is taken')
    expect(back.output).toContain(`(1001) is registered at 127.0.0.1:${registrar}`)
    expect((await back.stop('SIGTERM', 'process')).code).toBe(0)
    await place.nothingLeft()
  })
})

const TAKE_PORTS = `
const [registrar, phone] = process.argv.slice(1).map(Number)
require('node:net').createServer().listen(phone, '127.0.0.1', () => {
  require('node:dgram').createSocket('udp4').bind(registrar, '127.0.0.1', () => console.log('taken'))
})`
