/** The configuration of a running Kea: read, tried, put in its place. */
import { checkKeaConfig, type DiscoveryProblem, type KeaConfig, keaFingerprint } from '../../server/discovery/mod.ts'
import { CliProblem } from '../exit-codes.ts'
import { done, KEA_RESULT, type KeaChannel } from './kea-channel.ts'

/** Throws CliProblem. @returns an object with `Dhcp4` or `Dhcp6` alone, as `config-set` takes it */
export async function readConfig(kea: KeaChannel): Promise<KeaConfig> {
  const key = kea.service === 'dhcp4' ? 'Dhcp4' : 'Dhcp6'
  const read = done(await kea.ask('config-get'), 'tell its configuration')
  if (typeof read === 'object' && read !== null && key in read) return { [key]: (read as KeaConfig)[key] }
  throw new CliProblem(
    `What answers there is no ${key}: it has no such configuration. Name the socket of the right daemon`,
  )
}

/** Throws CliProblem with what Kea has against it. */
export async function tryConfig(kea: KeaChannel, config: KeaConfig): Promise<void> {
  done(await kea.ask('config-test', config), 'take the configuration, and nothing was changed')
}

/** Throws CliProblem when it is no longer what was read: somebody else changed it, and that must not be lost. */
export async function refuseChanged(kea: KeaChannel, before: KeaConfig): Promise<void> {
  if (keaFingerprint(await readConfig(kea)) === keaFingerprint(before)) return
  throw new CliProblem(
    `The configuration of Kea (${kea.service}) was changed by somebody else meanwhile. Nothing was written; look at it and do this again`,
  )
}

export async function setConfig(kea: KeaChannel, config: KeaConfig): Promise<void> {
  done(await kea.ask('config-set', config), 'take the configuration')
}

/** @returns the file that it was written to; undefined where Kea does not say */
export async function writeConfig(kea: KeaChannel): Promise<string | undefined> {
  const said = done(
    await kea.ask('config-write'),
    'write its configuration file; what was changed is in force until it is started anew',
  )
  const name = typeof said === 'object' && said !== null && 'filename' in said ? said.filename : undefined
  return typeof name === 'string' ? name : undefined
}

export interface KeaStatus {
  readonly service: string
  readonly version: string
  readonly uptimeSeconds: number | null
  readonly networks: readonly string[]
  readonly reservations: number
  /** Whether `leases` can be asked for. */
  readonly leaseCommands: boolean
  readonly problems: readonly DiscoveryProblem[]
}

export async function statusOf(kea: KeaChannel): Promise<KeaStatus> {
  const version = await kea.ask('version-get')
  done(version, 'tell its version')
  const status = await kea.ask('status-get')
  const config = await readConfig(kea)
  const daemon = Object.values(config)[0]
  const commands = done(await kea.ask('list-commands'), 'list its commands')
  return {
    service: kea.service,
    version: version.text,
    uptimeSeconds: status.result === KEA_RESULT.done ? numberIn(status.arguments, 'uptime') : null,
    networks: namesIn(daemon, 'subnet'),
    reservations: countIn(daemon, 'reservations'),
    leaseCommands: Array.isArray(commands) && commands.includes(leasesCommand(kea)),
    problems: checkKeaConfig(config),
  }
}

export function leasesCommand({ service }: Pick<KeaChannel, 'service'>): string {
  return service === 'dhcp4' ? 'lease4-get-all' : 'lease6-get-all'
}

function numberIn(value: unknown, key: string): number | null {
  const held =
    typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[key] : undefined
  return typeof held === 'number' ? held : null
}

/** Everywhere below, e.g. in the networks of a shared network. */
function namesIn(value: unknown, key: string): readonly string[] {
  if (Array.isArray(value)) return value.flatMap((item) => namesIn(item, key))
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, held]: readonly [string, unknown]) =>
    name === key && typeof held === 'string' ? [held] : namesIn(held, key),
  )
}

function countIn(value: unknown, key: string): number {
  if (Array.isArray(value)) return value.reduce((sum: number, item) => sum + countIn(item, key), 0)
  if (typeof value !== 'object' || value === null) return 0
  return Object.entries(value).reduce(
    (sum, [name, held]: readonly [string, unknown]) =>
      sum + (name === key && Array.isArray(held) ? held.length : countIn(held, key)),
    0,
  )
}

/** Whether Kea has its leases in memory alone: then each new configuration lets it forget them. */
export function forgetsLeases(config: KeaConfig): boolean {
  const [daemon] = Object.values(config)
  const database =
    typeof daemon === 'object' && daemon !== null && 'lease-database' in daemon ? daemon['lease-database'] : {}
  return typeof database === 'object' && database !== null && 'persist' in database && database.persist === false
}
