/**
 * All lines of a phone together: starts, refreshes and ends their registrations and hands requests to `requests.ts`.
 * Source: MPP §13.4, §8; RFC 3261 §10, §18.
 */
import { decodeSip, header, parseVia } from '../../../protocol/sip/mod.ts'
import { assertNever } from '../../../protocol/result.ts'
import type { Millis, Rng } from '../../../protocol/result.ts'
import { parameterText } from '../parameters.ts'
import type { Agent, AgentAction, SipPeer } from '../types.ts'
import {
  answersRegistration,
  beginRegistration,
  leaveRegistration,
  onAnswer,
  onTime,
  onUndelivered,
} from './registration.ts'
import type { Moved } from './registration.ts'
import type { World } from './register.ts'
import { answerRequest } from './requests.ts'
import { accountOf, lineCount } from './settings.ts'
import { LEAVING_MAX, REQUEST_BYTES_MAX } from './state.ts'
import type { LineAccount, LinesInput, LinesState, LinesStep, Registration } from './state.ts'

/** What the display and `status` say about one extension. */
export interface LineStatus {
  readonly line: number
  readonly userId: string
  readonly state: 'registered' | 'failed' | 'registering' | 'off'
  readonly since: Millis | undefined
}

/** Longest datagram or message that is looked at at all. */
const MESSAGE_BYTES_MAX = 65_536

/**
 * Moves the lines on by one input. Never throws for what the network sent.
 * @returns the next agent (only `ram.lines` differs), what to send and say, and commands for the core (from NOTIFY).
 */
export function stepLines(agent: Agent, input: LinesInput, now: Millis, rng: Rng): LinesStep {
  const world: World = { agent, now, rng }
  switch (input.kind) {
    case 'start':
      return start(world)
    case 'tick':
      return everyRegistration(world, (registration) => onTime(world, registration))
    case 'config-changed':
      return agent.ram.lines.running ? reconfigure(world) : unchanged(agent)
    case 'received':
      return received(world, input.peer, input.bytes)
    case 'failed':
      return everyRegistration(world, (registration) => onUndelivered(world, registration, input.peer, input.detail))
    case 'stop':
      return stop(world)
    default:
      return assertNever(input)
  }
}

/** @returns when `tick` is next due, or undefined when no line waits for anything. */
export function linesWake(lines: LinesState): Millis | undefined {
  const times = [...lines.registrations, ...lines.leaving].flatMap(({ pending, nextAt }) => {
    if (pending === undefined) return nextAt === undefined ? [] : [nextAt]
    return [pending.givesUpAt, ...(pending.resendAt === undefined ? [] : [pending.resendAt])]
  })
  return times.length === 0 ? undefined : Math.min(...times)
}

/** @returns one row for each extension that the model has, in order. */
export function lineStates(agent: Agent, _now: Millis): readonly LineStatus[] {
  return Array.from({ length: lineCount(agent) }, (_, index) => {
    const line = index + 1
    const registration = registrationOf(agent, line)
    const userId = parameterText(agent, `User_ID_${line}_`).trim()
    if (registration === undefined || registration.phase === 'leaving')
      return { line, userId, state: 'off', since: undefined }
    return { line, userId, state: registration.phase, since: registration.since }
  })
}

/**
 * `$REGTMRn` (MPP §3.3): 0 while registered, else the seconds since line n lost its registration; a line that never had
 * one counts from the boot.
 */
export function secondsWithoutRegistration(agent: Agent, line: number, now: Millis): number {
  const registration = registrationOf(agent, line)
  if (registration?.phase === 'registered') return 0
  return Math.max(0, Math.floor((now - (registration?.lostAt ?? agent.ram.bootedAt)) / 1000))
}

function registrationOf(agent: Agent, line: number): Registration | undefined {
  return agent.ram.lines.registrations.find((registration) => registration.account.line === line)
}

function start(world: World): LinesStep {
  const { agent } = world
  if (agent.ram.lease === undefined) return unchanged(agent)
  if (agent.ram.lines.running) return reconfigure(world)
  const begun = accounts(agent).map((account) => beginRegistration(world, account, undefined))
  const lines: LinesState = { ...agent.ram.lines, running: true, registrations: survivors(begun) }
  return { agent: withLines(agent, lines), actions: begun.flatMap((moved) => moved.actions), commands: [] }
}

/** Leaves every registrar; nothing waits for the answers when the phone goes down at once. */
function stop(world: World): LinesStep {
  const { agent } = world
  const { lines } = agent.ram
  const left =
    agent.ram.lease === undefined
      ? []
      : lines.registrations.map((registration) => leaveRegistration(world, registration))
  const leaving = [...lines.leaving, ...survivors(left)].slice(-LEAVING_MAX)
  const stopped = { ...lines, running: false, registrations: [], leaving: agent.ram.lease === undefined ? [] : leaving }
  return { agent: withLines(agent, stopped), actions: left.flatMap((moved) => moved.actions), commands: [] }
}

/** Compares what is registered with what should be; a changed account is taken back before the new one registers. */
function reconfigure(world: World): LinesStep {
  const { agent, now } = world
  const { lines } = agent.ram
  const wanted = accounts(agent)
  const isWanted = ({ account }: Registration) => wanted.some((candidate) => sameAccount(candidate, account))
  const left = lines.registrations
    .filter((registration) => !isWanted(registration))
    .map((registration) => leaveRegistration(world, registration))
  const begun = wanted.map((account): Moved => {
    const before = lines.registrations.find((registration) => registration.account.line === account.line)
    if (before !== undefined && sameAccount(before.account, account)) return { registration: before, actions: [] }
    return beginRegistration(world, account, before === undefined ? agent.ram.bootedAt : (before.lostAt ?? now))
  })
  const next: LinesState = {
    ...lines,
    registrations: survivors(begun),
    leaving: [...lines.leaving, ...survivors(left)].slice(-LEAVING_MAX),
  }
  return { agent: withLines(agent, next), actions: [...left, ...begun].flatMap((moved) => moved.actions), commands: [] }
}

function received(world: World, peer: SipPeer, bytes: Uint8Array): LinesStep {
  const { agent } = world
  if (bytes.length > MESSAGE_BYTES_MAX) return unchanged(agent)
  const decoded = decodeSip(bytes)
  // RFC 3261 §18.3: what cannot be read is thrown away.
  if (!decoded.ok) return unchanged(agent)
  const message = decoded.value
  if (message.kind === 'request') {
    return agent.ram.lines.running
      ? answerRequest(world, message, peer, bytes.length > REQUEST_BYTES_MAX)
      : unchanged(agent)
  }
  const branch = parseVia(header(message, 'Via') ?? '')?.params.get('branch')
  return everyRegistration(world, (registration) =>
    answersRegistration(registration, branch, message)
      ? onAnswer(world, registration, message, peer)
      : { registration, actions: [] },
  )
}

/** Applies one change to each registration, those on their way out too. */
function everyRegistration(world: World, change: (registration: Registration) => Moved): LinesStep {
  const { agent } = world
  const { lines } = agent.ram
  const registrations = lines.registrations.map(change)
  const leaving = lines.leaving.map(change)
  const actions: readonly AgentAction[] = [...registrations, ...leaving].flatMap((moved) => moved.actions)
  const next: LinesState = { ...lines, registrations: survivors(registrations), leaving: survivors(leaving) }
  return { agent: withLines(agent, next), actions, commands: [] }
}

function accounts(agent: Agent): readonly LineAccount[] {
  return Array.from({ length: lineCount(agent) }, (_, index) => accountOf(agent, index + 1)).filter(
    (account) => account !== undefined,
  )
}

function sameAccount(a: LineAccount, b: LineAccount): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

function survivors(moved: readonly Moved[]): readonly Registration[] {
  return moved.map(({ registration }) => registration).filter((registration) => registration !== undefined)
}

function withLines(agent: Agent, lines: LinesState): Agent {
  return { ...agent, ram: { ...agent.ram, lines } }
}

function unchanged(agent: Agent): LinesStep {
  return { agent, actions: [], commands: [] }
}
