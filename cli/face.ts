/**
 * The face of a virtual phone in a terminal: what happens, line by line, and keys to press.
 * Source: MPP §7.5; guide: Manually Provision a Phone from the Keypad.
 */
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { lcdLines, type PhoneEvent, status } from '../phone/agent/mod.ts'
import type { KeypadEntry, Mode } from '../phone/agent/types.ts'
import type { Phone } from '../phone/shell/mod.ts'
import { assertNever, type Millis } from '../protocol/result.ts'
import { clockTime } from './output.ts'

/** Where in the menus of the display we are. */
export type Menu = 'idle' | 'settings' | 'device-administration' | 'profile-rule'

/** What a line typed at the phone means. */
export type FaceEffect =
  | { readonly kind: 'keys'; readonly entry: KeypadEntry }
  | { readonly kind: 'call' | 'hangup'; readonly line: number }
  | { readonly kind: 'lcd' | 'status' }
  | { readonly kind: 'quit' }
  | { readonly kind: 'print'; readonly lines: readonly string[] }

const HELP = [
  'settings               the menu: Device administration > Profile rule, then resync',
  'rule <url>             enter a profile rule: protocol://server[:port]/path',
  'resync                 fetch and apply the profile now',
  'status                 Status > Phone Status > Provisioning',
  'lcd                    what the display shows',
  'call <n>, hangup <n>   start and end a call on line n',
  'reboot, factory-reset, help, quit',
]

const MENUS: Readonly<Record<Menu, readonly string[]>> = {
  idle: [],
  settings: ['Settings', '  1 Device administration', '  2 Status', '(a number or a name; back)'],
  'device-administration': ['Device administration', '  1 Profile rule', '  2 Reboot', '  3 Factory reset', '(back)'],
  'profile-rule': [
    'Profile rule: type protocol://server[:port]/path, for example tftp://192.168.1.5/phone.cfg',
    '(resync; back)',
  ],
}

/** @returns the menu after the line, and what to do. Anything can be typed. */
export function readFaceLine(text: string, menu: Menu): { readonly menu: Menu; readonly effect: FaceEffect } {
  const line = text.trim()
  const chosen = chooseFromMenu(line.toLowerCase().replace(/[\s-]+/g, ' '), menu)
  if (chosen !== undefined) return chosen
  const command = readCommand(line)
  if (command !== undefined) return { menu: 'idle', effect: command }
  if ((menu === 'profile-rule' && line !== '') || /^[a-z]+:\/\//i.test(line)) {
    return { menu, effect: { kind: 'keys', entry: { kind: 'enter-profile-rule', rule: line } } }
  }
  const lines = line === '' ? MENUS[menu] : [`"${plain(line)}" is nothing that this phone knows; try help`]
  return { menu, effect: { kind: 'print', lines } }
}

function chooseFromMenu(choice: string, menu: Menu): { readonly menu: Menu; readonly effect: FaceEffect } | undefined {
  const open = (next: Menu) => ({ menu: next, effect: { kind: 'print', lines: MENUS[next] } }) as const
  if (choice === 'settings') return open('settings')
  if (menu !== 'idle' && choice === 'back') {
    return open(menu === 'profile-rule' ? 'device-administration' : menu === 'settings' ? 'idle' : 'settings')
  }
  switch (`${menu}: ${choice}`) {
    case 'settings: 1':
    case 'settings: device administration':
      return open('device-administration')
    case 'settings: 2':
      return { menu: 'idle', effect: { kind: 'status' } }
    case 'device-administration: 1':
    case 'device-administration: profile rule':
      return open('profile-rule')
    case 'device-administration: 2':
      return { menu: 'idle', effect: { kind: 'keys', entry: { kind: 'reboot' } } }
    case 'device-administration: 3':
    case 'device-administration: factory reset':
      return { menu: 'idle', effect: { kind: 'keys', entry: { kind: 'factory-reset' } } }
    default:
      return undefined
  }
}

function readCommand(line: string): FaceEffect | undefined {
  const [, word = '', rest = ''] = /^(\S+)\s*(.*)$/.exec(line) ?? []
  const name = word.toLowerCase()
  if (name === 'rule' && rest !== '') return { kind: 'keys', entry: { kind: 'enter-profile-rule', rule: rest } }
  if (name === 'call' || name === 'hangup') {
    if (/^[1-9][0-9]?$/.test(rest)) return { kind: name, line: Number(rest) }
    return { kind: 'print', lines: [`${name} needs the number of a line, for example: ${name} 1`] }
  }
  if (rest !== '') return undefined
  switch (name) {
    case 'resync':
    case 'reboot':
    case 'factory-reset':
      return { kind: 'keys', entry: { kind: name } }
    case 'lcd':
    case 'status':
    case 'quit':
      return { kind: name }
    case 'exit':
      return { kind: 'quit' }
    case 'rule':
      return { kind: 'print', lines: ['rule needs a URL: protocol://server[:port]/path'] }
    case 'help':
    case '?':
      return { kind: 'print', lines: HELP }
    default:
      return undefined
  }
}

/** `17:35:03  resync-started     Resync started`. */
export function printEvent(event: PhoneEvent, at: Millis): string {
  return `${clockTime(at)}  ${event.name.padEnd(18)} ${plain(event.text)}`
}

/** One line of `--json`. */
export function printJsonEvent(event: PhoneEvent, at: Millis): string {
  const { name, text, data } = event
  return JSON.stringify({ at: new Date(at).toISOString(), name, text, data })
}

/** Status > Phone Status > Provisioning, with what the phone will do next. */
export function printStatus(phone: Phone, now: Millis): readonly string[] {
  const state = status(phone.agent(), now)
  const used = state.lines.filter(({ userId }) => userId !== '')
  const next =
    state.nextResyncAt === undefined
      ? 'none planned'
      : `in ${Math.max(0, Math.round((state.nextResyncAt - now) / 1000))} s`
  return [
    `Phone        ${state.mode}, ${state.load}`,
    `Customized   ${state.customization}`,
    `Profile rule ${state.profileRule}`,
    `Next resync  ${next}`,
    ...state.provisioning.map(({ at, text }) => `Provisioning ${clockTime(at)} ${text}`),
    ...state.upgrade.map(({ at, text }) => `Firmware     ${clockTime(at)} ${text}`),
    ...used.map(({ line, userId, state: registration }) => `Line ${line}       ${userId} ${registration}`),
    `Web pages    ${phone.webUrl() ?? 'off'}`,
  ].map(plain)
}

/** A phone that starts is looked at this often. */
const LOOK_AGAIN_MS = 20
/** For an address from DHCP a phone waits as long as it takes; after this time it is said that the keys wait too. */
const PATIENCE_MS = 120_000

export interface Face {
  /** Prints a line above the prompt. */
  print(line: string): void
  close(): void
}

export interface FaceOptions {
  readonly phone: () => Phone | undefined
  readonly input: NodeJS.ReadableStream & { readonly isTTY?: boolean }
  readonly output: NodeJS.WritableStream
  readonly now: () => Millis
  readonly quit: () => void
  /** Default two minutes: after so long it is said that keys from a pipe wait for the phone. */
  readonly patienceMs?: Millis
}

/** With a terminal as input there is a prompt; otherwise its lines are taken as they come, without one. */
export function openFace(options: FaceOptions): Face {
  const { input, output, quit } = options
  if (input.isTTY !== true) return pipedFace(options)
  const prompt = createInterface({ input, output, terminal: true, prompt: 'phone> ', historySize: 100 })
  let menu: Menu = 'idle'
  let closed = false
  function print(line: string): void {
    if (closed) return void output.write(`${line}\n`)
    // Over the prompt, which is drawn anew with what was typed so far.
    output.write(`\r\u001b[K${line}\n`)
    prompt.prompt(true)
  }
  prompt.on('line', (text) => {
    const read = readFaceLine(text, menu)
    menu = read.menu
    const phone = options.phone()
    if (phone !== undefined) perform(phone, read.effect)
    if (!closed) prompt.prompt()
  })
  prompt.on('SIGINT', quit)
  prompt.on('close', quit)
  function perform(phone: Phone, effect: FaceEffect): void {
    if (effect.kind === 'quit') return quit()
    for (const line of carryOut(phone, effect, options.now())) output.write(`${line}\n`)
  }
  prompt.prompt()
  function close(): void {
    closed = true
    prompt.close()
  }
  return { print, close }
}

/** Keys from a pipe or file, pressed as soon as the phone is up. Their end is not the phone's end. */
function pipedFace({ input, output, phone, now, quit, patienceMs = PATIENCE_MS }: FaceOptions): Face {
  const print = (line: string): void => void output.write(`${line}\n`)
  let closed = false
  const lines = createInterface({ input, terminal: false })
  async function follow(): Promise<void> {
    let menu: Menu = 'idle'
    for await (const text of lines) {
      const read = readFaceLine(text, menu)
      menu = read.menu
      if (read.effect.kind === 'quit') return quit()
      const current = await phoneThere(phone)
      if (!takesKeys(current)) await untilUp(current, { patienceMs, print })
      for (const line of carryOut(current, read.effect, now())) print(line)
    }
  }
  follow().catch((error: unknown) => {
    if (!closed) print(`Keys are no longer read: ${String(error)}`)
  })
  function close(): void {
    closed = true
    lines.close()
  }
  return { print, close }
}

async function phoneThere(phone: () => Phone | undefined): Promise<Phone> {
  for (;;) {
    const current = phone()
    if (current !== undefined) return current
    await pause(LOOK_AGAIN_MS)
  }
}

const AWAKE: readonly Mode[] = ['discovering', 'running', 'flashing']

/** While it starts, or waits for an address, a phone takes no keys. */
function takesKeys(phone: Phone): boolean {
  return AWAKE.includes(phone.agent().ram.mode)
}

/** Throws when the phone has no power any more. */
async function untilUp(
  phone: Phone,
  { patienceMs, print }: { readonly patienceMs: Millis; readonly print: (line: string) => void },
): Promise<void> {
  let told = false
  while (!takesKeys(phone)) {
    try {
      await phone.until(({ ram }) => AWAKE.includes(ram.mode), patienceMs)
    } catch (cause) {
      if (phone.agent().ram.mode === 'off') throw cause
      if (!told) print(`${noKeysYet(phone)}; what was typed waits`)
      told = true
    }
  }
}

function noKeysYet(phone: Phone): string {
  const waits = phone.agent().ram.mode === 'network'
  return `The phone ${waits ? 'waits for the network' : 'starts'} and takes no keys yet`
}

/** Presses the keys, or looks. @returns what to print */
export function carryOut(phone: Phone, effect: Exclude<FaceEffect, { kind: 'quit' }>, now: Millis): readonly string[] {
  switch (effect.kind) {
    case 'keys':
      if (!takesKeys(phone)) return [noKeysYet(phone)]
      phone.send({ kind: 'keypad', entry: effect.entry })
      return effect.entry.kind === 'enter-profile-rule' ? ['Profile rule entered; now resync'] : []
    case 'call':
      phone.send({ kind: 'call-started', line: effect.line })
      return [`Line ${effect.line} is in a call`]
    case 'hangup':
      phone.send({ kind: 'call-ended', line: effect.line })
      return [`Line ${effect.line} is free`]
    case 'lcd':
      return boxed(lcdLines(phone.agent(), now).map(plain))
    case 'status':
      return printStatus(phone, now)
    case 'print':
      return effect.lines
    default:
      return assertNever(effect)
  }
}

function boxed(lines: readonly string[]): readonly string[] {
  const width = Math.max(40, ...lines.map((line) => line.length))
  const edge = `+${'-'.repeat(width + 2)}+`
  return [edge, ...lines.map((line) => `| ${line.padEnd(width)} |`), edge]
}

/** Texts of servers are shown too; their control characters must not move the cursor. */
function plain(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ')
}
