import { PassThrough } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { status } from '../phone/agent/mod.ts'
import { type DhcpLink, type Phone, startPhone } from '../phone/shell/mod.ts'
import { parseMacAddress, parseProductName, parseSerialNumber } from '../protocol/identity.ts'
import { assert } from '../protocol/result.ts'
import { carryOut, type FaceEffect, type Menu, openFace, printEvent, printJsonEvent, readFaceLine } from './face.ts'

function typed(...lines: readonly string[]): { readonly menu: Menu; readonly effect: FaceEffect } {
  return lines.reduce<{ menu: Menu; effect: FaceEffect }>((at, line) => readFaceLine(line, at.menu), {
    menu: 'idle',
    effect: { kind: 'lcd' },
  })
}

const RULE = 'tftp://192.168.1.5/CP_x8xx_MPP.cfg'

describe('the keypad', () => {
  it.each([
    [['Settings', 'Device administration', 'Profile rule', RULE]],
    [['settings', '1', '1', RULE]],
    [[`rule ${RULE}`]],
    [[RULE]],
  ])('enters a profile rule by %j [guide: Manually Provision a Phone from the Keypad]', (lines) => {
    expect(typed(...lines).effect).toEqual({ kind: 'keys', entry: { kind: 'enter-profile-rule', rule: RULE } })
    expect(typed(...lines, 'Resync').effect).toEqual({ kind: 'keys', entry: { kind: 'resync' } })
  })

  it('takes conditions with blanks as a rule, and shows the menu again on an empty line', () => {
    const rule = '($SWVER lt 12)? tftp://a/b | [--key k] c'
    expect(typed('settings', '1', '1', rule).effect).toEqual({
      kind: 'keys',
      entry: { kind: 'enter-profile-rule', rule },
    })
    expect(typed('settings', '1', '')).toMatchObject({ menu: 'device-administration', effect: { kind: 'print' } })
  })

  it.each<[string, FaceEffect]>([
    ['call 1', { kind: 'call', line: 1 }],
    ['HANGUP 16', { kind: 'hangup', line: 16 }],
    ['status', { kind: 'status' }],
    ['lcd', { kind: 'lcd' }],
    ['reboot', { kind: 'keys', entry: { kind: 'reboot' } }],
    ['factory-reset', { kind: 'keys', entry: { kind: 'factory-reset' } }],
    ['quit', { kind: 'quit' }],
    ['exit', { kind: 'quit' }],
  ])('knows "%s"', (line, effect) => {
    expect(typed(line).effect).toEqual(effect)
  })

  it.each(['call', 'call x', 'call 0', 'rule', 'rebooot', 'reboot now', '1', 'help', '\u001b[31m'])(
    'only prints for "%s"',
    (line) => {
      expect(typed(line)).toMatchObject({ menu: 'idle', effect: { kind: 'print' } })
    },
  )

  it('goes back through its menus', () => {
    expect(typed('settings', '1', '1', 'back').menu).toBe('device-administration')
    expect(typed('settings', '1', '1', 'back', 'back').menu).toBe('settings')
    expect(typed('settings', 'back').menu).toBe('idle')
    expect(typed('settings', '2').effect).toEqual({ kind: 'status' })
  })

  it('never throws, whatever is typed in whatever menu', () => {
    const menus = fc.constantFrom<Menu>('idle', 'settings', 'device-administration', 'profile-rule')
    fc.assert(
      fc.property(fc.string(), menus, (line, menu) => {
        const { effect } = readFaceLine(line, menu)
        if (effect.kind !== 'print') return
        // What was typed may be shown again; it must not move the cursor.
        expect(effect.lines.join('')).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/)
      }),
    )
  })
})

describe('what is printed', () => {
  const event = { name: 'fetch', text: 'a\u001b[2Jb\r\nc', data: { n: 1 } }

  it('is one line without control characters', () => {
    expect(printEvent(event, 0)).toMatch(/^\d\d:\d\d:\d\d {2}fetch {14}a \[2Jb c$/)
  })

  it('is one JSON object a line with --json', () => {
    expect(printJsonEvent(event, 0)).toBe(
      '{"at":"1970-01-01T00:00:00.000Z","name":"fetch","text":"a\\u001b[2Jb\\r\\nc","data":{"n":1}}',
    )
  })

  it('comes without a prompt when nobody can type', () => {
    const output = new PassThrough()
    const face = openFace({
      phone: () => undefined,
      input: new PassThrough(),
      output,
      now: () => 0,
      quit: () => undefined,
    })
    face.print('hello')
    face.close()
    expect(String(output.read())).toBe('hello\n')
  })

  it('takes its lines from a pipe too, and quits when they say so', async () => {
    const input = new PassThrough()
    const ended = new Promise<void>((quit) => {
      openFace({ phone: () => undefined, input, output: new PassThrough(), now: () => 0, quit })
    })
    input.end('quit\n')
    await ended
  })
})

/** A network whose DHCP server is silent until it is told to speak. */
function silentLink(): { readonly link: DhcpLink; readonly speak: () => void } {
  type Guest = Parameters<DhcpLink['join']>[0]
  const address = '127.0.0.1'
  let guest: Guest | undefined
  let spoke = false
  const seat = {
    start: () => undefined,
    source: () => (spoke ? { address, addressV6: undefined, dnsServers: [], domain: undefined } : undefined),
    leave: () => Promise.resolve(),
  }
  const link: DhcpLink = {
    interfaceName: 'none',
    join(comer) {
      guest = comer
      return seat
    },
    close: () => Promise.resolve(),
  }
  const speak = (): void => {
    spoke = true
    guest?.up({ address, domain: undefined, options: new Map() })
  }
  return { link, speak }
}

async function waitingPhone(link: DhcpLink): Promise<Phone> {
  const [mac, serial] = [parseMacAddress('000e08aabbcc'), parseSerialNumber('FCH2305DMH0')]
  const productName = parseProductName('CP-8851-3PCC')
  assert(mac !== undefined && serial !== undefined && productName !== undefined, 'these are a phone')
  const label = { mac, serial, productName, factoryLoad: 'sip88xx.12-0-2MPP0001-116' }
  const phone = await startPhone({
    hardware: { ...label, hardwareVersion: '2', clientCertificate: false, rcUrl: 'http://127.0.0.1:9/' },
    webPort: 'none',
    tls: {},
    lease: { dhcp: link },
    policies: { bootMs: 1 },
    onEvent: () => undefined,
  })
  await phone.until(({ ram }) => ram.mode === 'network', 10_000)
  return phone
}

describe('a phone that waits for an address', () => {
  const ruleOf = (phone: Phone): string => status(phone.agent(), 0).profileRule

  it('gets what came by a pipe when it is up, however long that takes, and says meanwhile that it waits', async () => {
    const { link, speak } = silentLink()
    const phone = await waitingPhone(link)
    const [input, output] = [new PassThrough(), new PassThrough()]
    let said = ''
    output.on('data', (piece: Buffer) => (said += piece.toString()))
    const face = openFace({ phone: () => phone, input, output, now: () => 0, quit: () => undefined, patienceMs: 5 })
    try {
      const before = ruleOf(phone)
      input.write(`rule ${RULE}\n`)
      await expect
        .poll(() => said)
        .toBe('The phone waits for the network and takes no keys yet; what was typed waits\n')
      // Several times as long as its patience.
      await phone.until(() => false, 50).catch(() => undefined)
      expect(ruleOf(phone)).toBe(before)
      speak()
      await expect.poll(() => said).toMatch(/waits\nProfile rule entered; now resync\n$/)
      expect(ruleOf(phone)).toBe(RULE)
    } finally {
      face.close()
      await phone.switchOff()
    }
  })

  it('says at once that it takes no keys when somebody types them, and nothing when it is switched off', async () => {
    const { link } = silentLink()
    const phone = await waitingPhone(link)
    const keys = { kind: 'keys', entry: { kind: 'enter-profile-rule', rule: RULE } } as const
    expect(carryOut(phone, keys, 0)).toEqual(['The phone waits for the network and takes no keys yet'])
    expect(carryOut(phone, { kind: 'lcd' }, 0).join()).toContain('Waiting for the network')
    const [input, output] = [new PassThrough(), new PassThrough()]
    const face = openFace({ phone: () => phone, input, output, now: () => 0, quit: () => undefined })
    input.write('resync\n')
    await new Promise((soon) => setImmediate(soon))
    face.close()
    await phone.switchOff()
    await new Promise((soon) => setImmediate(soon))
    expect(output.read()).toBeNull()
  })
})
