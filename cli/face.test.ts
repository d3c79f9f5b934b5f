import { PassThrough } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type FaceEffect, type Menu, openFace, printEvent, printJsonEvent, readFaceLine } from './face.ts'

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
