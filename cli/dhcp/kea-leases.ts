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
  const leases: KeaLease[] = []
  for (const channel of channels) leases.push(...(await leasesOf(channel)))
  const fresh = leases.filter((lease) => before.get(lease.address) !== markOf(lease))
  let taken = 0
  for (let from = 0; from < fresh.length; from += LEASES_MAX) {
    const body = { leases: fresh.slice(from, from + LEASES_MAX).map(leaseJson) }
    taken += (await api.call<{ readonly taken: number }>('POST', 'dhcp/leases', body)).taken
  }
  before.clear()
  for (const lease of leases) before.set(lease.address, markOf(lease))
  return { leases: leases.length, told: fresh.length, taken }
}

function markOf({ mac, heardAt }: KeaLease): string {
  return `${mac} ${heardAt ?? ''}`
}

function leaseJson({ mac, address, hostName, heardAt }: KeaLease) {
  const name = hostName.replaceAll(/[\u0000-\u001f\u007f]/g, '').slice(0, 255)
  return { mac, address, at: new Date(heardAt ?? Date.now()).toISOString(), ...(name === '' ? {} : { hostName: name }) }
}

async function leasesOf(kea: KeaChannel): Promise<readonly KeaLease[]> {
  const answer = await kea.ask(leasesCommand(kea))
  if (answer.result === KEA_RESULT.empty) return []
  if (answer.result === KEA_RESULT.unsupported) {
    throw new CliProblem(
      `Kea (${kea.service}) cannot tell its leases: its hook for that is not loaded. Add to its configuration "hooks-libraries": [{ "library": "/usr/lib/x86_64-linux-gnu/kea/hooks/libdhcp_lease_cmds.so" }], with the path of this system, and start it anew`,
    )
  }
  return readKeaLeases({ arguments: done(answer, 'tell its leases') })
}
