/** `offhook dhcp kea`: a running Kea by its control channel. */
import type { Command } from 'commander'
import { type MacAddress, parseMacAddress } from '../../protocol/identity.ts'
import {
  type DiscoverySettings,
  type KeaConfig,
  type KeaReservation,
  mergeKea,
  RESERVATIONS_MAX,
} from '../../server/discovery/mod.ts'
import { addExamples } from '../examples.ts'
import { CliProblem, EXIT, usageProblem } from '../exit-codes.ts'
import { endWith, printNote, printResult } from '../output.ts'
import { addApiOptions, allPages, withApi } from '../remote/api.ts'
import { addDoorOptions, addWishOptions, askedSettings } from './asked.ts'
import { type KeaChange, keaChanges } from './kea-changes.ts'
import type { KeaChannel } from './kea-channel.ts'
import {
  forgetsLeases,
  type KeaStatus,
  readConfig,
  refuseChanged,
  setConfig,
  statusOf,
  tryConfig,
  writeConfig,
} from './kea-config.ts'
import { problemLines, problemOf } from './problem-lines.ts'
import { registerLeases } from './kea-leases.ts'
import { addChannelOptions, channelsOf } from './kea-options.ts'

type Options = Readonly<Record<string, unknown>>

export function registerKeaCommands(dhcp: Command): void {
  const kea = dhcp.command('kea').description('A running Kea, by its control channel')
  registerStatus(kea)
  registerApply(kea)
  registerLeases(kea)
}

function registerStatus(kea: Command): void {
  const command = kea
    .command('status')
    .description('What a running Kea is, and what in its configuration keeps phones away')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nThe exit code is 1 when there are problems.')
  addExamples(addChannelOptions(command), [
    ['offhook dhcp kea status --control /run/kea/kea4-ctrl-socket', 'as root, or as the user of Kea'],
  ]).action(async (options: Options) => {
    const found: KeaStatus[] = []
    for (const channel of channelsOf(options)) found.push(await statusOf(channel))
    printResult({ json: options['json'] === true, value: { services: found }, lines: () => found.flatMap(statusLines) })
    endWith(found.every(({ problems }) => problems.length === 0) ? EXIT.done : EXIT.problems)
  })
}

function statusLines(status: KeaStatus): readonly string[] {
  const { service, version, uptimeSeconds, networks, reservations, leaseCommands, problems } = status
  return [
    `${service}: Kea ${version}${uptimeSeconds === null ? '' : `, up for ${uptimeSeconds} s`}`,
    `  networks ${networks.length === 0 ? 'none' : networks.join(', ')}; ${reservations} reservations`,
    `  leases ${leaseCommands ? 'can be read' : 'cannot be read: the hook lease_cmds is not loaded'}`,
    ...problemLines(problems, '  '),
  ]
}

function registerApply(kea: Command): void {
  const command = kea
    .command('apply')
    .description('Put what phones need beside what a running Kea has, with a reservation for each known phone')
    .option('--dry-run', 'only say what would change')
    .option('--write', 'also have Kea write its configuration file')
    .option('--batch <id>', 'reservations for the phones of this batch')
    .option('--account <id>', 'reservations for the phones of this account and all below it')
    .option('--no-reservations', 'none, and no running server is asked')
  addWishOptions(addChannelOptions(command))
  addExamples(addApiOptions(addDoorOptions(command)), [
    [
      'offhook dhcp kea apply --control /run/kea/kea4-ctrl-socket --public-url https://prov.example.com --dry-run',
      'what would change',
    ],
    [
      'offhook dhcp kea apply --control /run/kea/kea4-ctrl-socket --public-url https://prov.example.com --write',
      'done, and kept when Kea is started anew',
    ],
  ]).action(apply)
}

async function apply(options: Options): Promise<void> {
  const channels = channelsOf(options)
  const settings = askedSettings(options)
  if (!settings.ipv6 && channels.some(({ service }) => service === 'dhcp6')) {
    throw usageProblem('--control6 needs --ipv6 ADDRESS: where the doors for phones are')
  }
  let reservations: readonly KeaReservation[] = []
  if (options['reservations'] !== false) {
    await withApi(options, async (api) => {
      const paths = ['known', 'bound'].map((state) => `devices?${deviceQuery(options, state).toString()}`)
      const pages = []
      for (const path of paths) pages.push(await allPages<{ readonly mac: string }>(api, path))
      reservations = reservationsFor(pages.flat())
    })
  }
  const plans: Plan[] = []
  for (const channel of channels) plans.push(await planOf(channel, settings, reservations))
  const isDone = options['dryRun'] !== true
  for (const { kea, before, changes } of plans) {
    if (changes.length === 0 || !forgetsLeases(before)) continue
    printNote(`${kea.service}: its leases are not kept on disk ("persist": false), so it forgets them with the change`)
  }
  const written = isDone ? await carryOut(plans, options['write'] === true) : []
  const services = plans.map(({ kea, changes }, index) => ({
    service: kea.service,
    changes,
    written: written[index] ?? null,
  }))
  const value = { dryRun: !isDone, services }
  printResult({
    json: options['json'] === true,
    value,
    lines: () => services.flatMap((each) => planLines(each, isDone)),
  })
}

function deviceQuery({ batch, account }: Options, state: string): URLSearchParams {
  const query = new URLSearchParams({ state })
  if (typeof batch === 'string') query.set('batchId', batch)
  if (typeof account === 'string') query.set('accountId', account)
  if (typeof account === 'string') query.set('subtree', 'true')
  return query
}

function reservationsFor(devices: readonly { readonly mac: string }[]): readonly KeaReservation[] {
  const macs = devices.map(({ mac }) => parseMacAddress(mac)).filter((mac): mac is MacAddress => mac !== undefined)
  if (macs.length > RESERVATIONS_MAX) {
    throw new CliProblem(
      `There are ${macs.length} phones, and more than ${RESERVATIONS_MAX} reservations are too many for a configuration of Kea. Narrow them by --batch or --account, or leave them out by --no-reservations`,
    )
  }
  return macs.toSorted().map((mac) => ({ mac }))
}

interface Plan {
  readonly kea: KeaChannel
  readonly before: KeaConfig
  readonly after: KeaConfig
  readonly changes: readonly KeaChange[]
}

async function planOf(
  kea: KeaChannel,
  settings: DiscoverySettings,
  reservations: readonly KeaReservation[],
): Promise<Plan> {
  const before = await readConfig(kea)
  const merged = mergeKea(before, settings, reservations)
  if (merged.ok) return { kea, before, after: merged.value, changes: keaChanges(before, merged.value) }
  throw problemOf(`Cannot change the configuration of Kea (${kea.service}), and nothing was changed`, merged.error)
}

/**
 * All are tried before any is set, and looked at once more right before that: Kea cannot be told to change only what was
 * read.
 * @returns the file of each, where it was written to one
 */
async function carryOut(plans: readonly Plan[], write: boolean): Promise<readonly (string | undefined)[]> {
  const changing = plans.filter(({ changes }) => changes.length > 0)
  for (const { kea, after } of changing) await tryConfig(kea, after)
  for (const { kea, before } of changing) await refuseChanged(kea, before)
  for (const { kea, after } of changing) await setConfig(kea, after)
  const files: (string | undefined)[] = []
  if (write) for (const { kea } of plans) files.push(await writeConfig(kea))
  return files
}

interface Planned {
  readonly service: string
  readonly changes: readonly KeaChange[]
  readonly written: string | null
}

function planLines({ service, changes, written }: Planned, isDone: boolean): readonly string[] {
  const file = written === null ? [] : [`${service}: written to ${written}`]
  if (changes.length === 0) return [`${service}: nothing to change`, ...file]
  return [`${service}: ${isDone ? 'changed' : 'would change'}`, ...changes.map((change) => `  ${change}`), ...file]
}
