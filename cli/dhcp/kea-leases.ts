/** `offhook dhcp kea leases`: the server hears of phones as soon as Kea has given them an address. */
import { setTimeout as pause } from 'node:timers/promises'
import type { Command } from 'commander'
import { type KeaLease, readKeaLeases } from '../../server/discovery/mod.ts'
import { addExamples } from '../examples.ts'
import { CliProblem } from '../exit-codes.ts'
import { printJson, printLines, printNote } from '../output.ts'
import { wholeNumber } from '../remote/acs-words.ts'
import { addApiOptions, type ApiAccess, withApi } from '../remote/api.ts'
import { listenForStop, stopAsked, stopSignal, untilStopped } from '../signals.ts'
import { done, KEA_RESULT, type KeaChannel } from './kea-channel.ts'
import { leasesCommand } from './kea-config.ts'
import { addChannelOptions, channelsOf } from './kea-options.ts'

/** Leases that one request takes. */
const LEASES_MAX = 1000
/** As often as once a second would keep Kea from its work. */
const EVERY_MIN_S = 2

export function registerLeases(kea: Command): void {
  const command = kea
    .command('leases')
    .description('Tell the server of the leases that Kea has given, so that it knows which phones are there')
    .option('--every <seconds>', 'go on until Ctrl-C, which ends it with exit code 0', wholeNumber)
  addExamples(addApiOptions(addChannelOptions(command)), [
    ['offhook dhcp kea leases --control /run/kea/kea4-ctrl-socket', 'those of now'],
    ['offhook dhcp kea leases --control /run/kea/kea4-ctrl-socket --every 10', 'as they come'],
  ]).action((options) => {
    const channels = channelsOf(options)
    const every: number | undefined = options.every === undefined ? undefined : Math.max(EVERY_MIN_S, options.every)
    if (every !== undefined) listenForStop({ staysUp: true })
    return withApi(options, (api) => follow(api, channels, every, options.json === true))
  })
}

async function follow(api: ApiAccess, channels: readonly KeaChannel[], every: number | undefined, json: boolean) {
  if (every !== undefined) void stopSignal()
  const told = new Map<string, string>()
  for (let isFirst = true; isFirst || (every !== undefined && !stopAsked()); isFirst = false) {
    try {
      const said = await tellOnce(api, channels, told)
      if (every === undefined && json) printJson(said)
      else if (json) printLines([JSON.stringify(said)])
      else if (isFirst || said.told > 0) {
        printLines([`${said.leases} leases, ${said.told} of them new; ${said.taken} of phones`])
      }
    } catch (error) {
      // Whoever follows waits for a Kea or a server that is started anew; what was wrong from the start is told.
      if (isFirst || !(error instanceof CliProblem)) throw error
      printNote(error.message)
    }
    if (every !== undefined) await pause(every * 1000, undefined, { signal: untilStopped }).catch(() => undefined)
  }
}

interface Said {
  readonly leases: number
  /** Those that were not told before, or that were renewed since. */
  readonly told: number
  readonly taken: number
}

/** @param before  what was told by the last look, which this one replaces */
async function tellOnce(api: ApiAccess, channels: readonly KeaChannel[], before: Map<string, string>): Promise<Said> {
  const leases: TimedLease[] = []
  for (const channel of channels) leases.push(...(await leasesOf(channel)))
  const fresh = leases.filter(({ lease, at }) => before.get(lease.address) !== markOf(lease, at))
  let taken = 0
  for (let from = 0; from < fresh.length; from += LEASES_MAX) {
    const body = { leases: fresh.slice(from, from + LEASES_MAX).map(leaseJson) }
    taken += (await api.call<{ readonly taken: number }>('POST', 'dhcp/leases', body)).taken
  }
  before.clear()
  for (const { lease, at } of leases) before.set(lease.address, markOf(lease, at))
  return { leases: leases.length, told: fresh.length, taken }
}

interface TimedLease {
  readonly lease: KeaLease
  /** When it was given or last renewed; undefined where Kea does not say. */
  readonly at: number | undefined
}

function markOf({ mac }: KeaLease, at: number | undefined): string {
  return `${mac} ${at ?? ''}`
}

function leaseJson({ lease, at }: TimedLease) {
  const { mac, address, hostName } = lease
  const name = hostName.replaceAll(/[\u0000-\u001f\u007f]/g, '').slice(0, 255)
  return { mac, address, at: new Date(at ?? Date.now()).toISOString(), ...(name === '' ? {} : { hostName: name }) }
}

async function leasesOf(kea: KeaChannel): Promise<readonly TimedLease[]> {
  const answer = await kea.ask(leasesCommand(kea))
  if (answer.result === KEA_RESULT.empty) return []
  if (answer.result === KEA_RESULT.unsupported) {
    throw new CliProblem(
      `Kea (${kea.service}) cannot tell its leases: its hook for that is not loaded. Add to its configuration "hooks-libraries": [{ "library": "/usr/lib/x86_64-linux-gnu/kea/hooks/libdhcp_lease_cmds.so" }], with the path of this system, and start it anew`,
    )
  }
  const told = done(answer, 'tell its leases')
  const times = timesIn(told)
  return readKeaLeases({ arguments: told }).map((lease) => ({ lease, at: times.get(lease.address) }))
}

/** Kea's `cltt`: when it last heard of the client, in seconds. @returns by address, in milliseconds */
function timesIn(told: unknown): ReadonlyMap<string, number> {
  const times = new Map<string, number>()
  const leases: unknown = typeof told === 'object' && told !== null && 'leases' in told ? told.leases : undefined
  for (const lease of Array.isArray(leases) ? (leases as readonly unknown[]) : []) {
    if (typeof lease !== 'object' || lease === null || !('ip-address' in lease) || !('cltt' in lease)) continue
    const { 'ip-address': address, cltt } = lease
    if (typeof address === 'string' && typeof cltt === 'number' && cltt > 0 && cltt < CLTT_MAX)
      times.set(address, cltt * 1000)
  }
  return times
}

/** The year 9999, which is the last that the API takes. */
const CLTT_MAX = 253_402_300_799
