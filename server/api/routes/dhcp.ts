/** What a DHCP server is to say to phones, what is wrong in its configuration, and the leases that it gave. */
import { networkInterfaces } from 'node:os'
import type { z } from 'zod'
import { parseProductName } from '../../../protocol/identity.ts'
import {
  addressOfDoors,
  checkDhcp,
  type DiscoveryProblem,
  discoverySettings,
  guessDaemon,
  writeDhcp,
} from '../../discovery/mod.ts'
import { ownersOf, recordSightings, type Sighting } from '../../store/mod.ts'
import type { Api, ApiPlatform, ReadyPlatform } from '../context.ts'
import {
  DHCP_TEXT_MAX,
  DhcpConfiguration,
  DhcpLeases,
  DhcpLeasesTaken,
  DhcpProblems,
  DhcpQuestion,
  DhcpText,
} from '../contract/dhcp.ts'
import { ApiProblem } from '../problem.ts'
import { type Reach, reachOf } from '../reach.ts'

export function dhcpRoutes(api: Api, ready: ReadyPlatform): void {
  configRoute(api, ready)
  checkRoute(api, ready)
  leasesRoute(api, ready)
}

function configRoute(api: Api, ready: ReadyPlatform): void {
  api.post(
    '/api/v1/dhcp/config',
    {
      config: { scope: 'read', reach: 'free' },
      schema: {
        summary: 'Write the configuration of a DHCP server that brings phones here',
        body: DhcpQuestion,
        response: { 200: DhcpConfiguration },
      },
    },
    async (request) => {
      const written = writeDhcp(request.body.for, settingsOf(request.body, ready()))
      if (!written.ok) throw cannotWrite(written.error)
      const { files, notes } = written.value
      return { files: files.map(({ name, text }) => ({ name, text })), notes: [...notes] }
    },
  )
}

function settingsOf(
  { for: _daemon, server, serverV6, acs, tftpPort, ...wish }: z.infer<typeof DhcpQuestion>,
  platform: ApiPlatform,
) {
  const { publicUrl, publicHttpUrl, acsUrl } = platform.facts()
  const { host, tftpPort: ownPort } = platform.settings
  const address = server ?? addressOfDoors(publicUrl, host, networkInterfaces())
  const missing: DiscoveryProblem[] = []
  if (address === undefined) {
    const advice = 'name it by "server"'
    missing.push({ code: 'no-address', place: 'server', message: 'This machine has no IPv4 that leads here', advice })
  }
  if (acs !== undefined && acs.url === undefined && acsUrl === undefined) {
    const advice = 'leave "acs" out, name it by "acs.url", or open the door (OFFHOOK_ACS_TLS_PORT)'
    missing.push({ code: 'no-acs', place: 'acs', message: 'There is no door for TR-069 over TLS', advice })
  }
  if (address === undefined || missing.length > 0) throw cannotWrite(missing)
  const doors = { address, tftpPort: tftpPort ?? ownPort, publicUrl, publicHttpUrl, acsUrl: acsUrl ?? '' }
  return discoverySettings(doors, { ...wish, acs, addressV6: serverV6 })
}

/** Problems that one answer names. */
const PROBLEMS_MAX = 100

function cannotWrite(problems: readonly DiscoveryProblem[]): ApiProblem {
  const [first] = problems
  const detail = `Cannot write the configuration: ${first?.place ?? ''}: ${first?.message ?? 'not valid'}`
  return new ApiProblem(422, 'not-valid', detail, problems.slice(0, PROBLEMS_MAX).map(problemJson))
}

function problemJson({ code, place, message, advice }: DiscoveryProblem) {
  return { code, place, message, advice }
}

function checkRoute(api: Api, ready: ReadyPlatform): void {
  api.post(
    '/api/v1/dhcp/check',
    {
      config: { scope: 'read', reach: 'free' },
      bodyLimit: 2 * DHCP_TEXT_MAX,
      schema: {
        summary: 'Say what keeps phones away in the configuration of a DHCP server',
        body: DhcpText,
        response: { 200: DhcpProblems },
      },
    },
    async (request) => {
      const { text, for: named, server, tftpPort } = request.body
      const daemon = named ?? guessDaemon(text)
      if (daemon === undefined) {
        const detail = 'The text is not recognised as that of Kea, dnsmasq or ISC dhcpd. Name it by "for".'
        throw new ApiProblem(422, 'unknown-daemon', detail)
      }
      // Whether it leads to us can be said only where we know for certain where we are.
      const settings = server === undefined ? undefined : settingsOf({ for: daemon, server, tftpPort }, ready())
      return { for: daemon, problems: checkDhcp(daemon, text, settings, { isRcExpected: true }).map(problemJson) }
    },
  )
}

type Lease = z.infer<typeof DhcpLeases>['leases'][number]

function leasesRoute(api: Api, ready: ReadyPlatform): void {
  api.post(
    '/api/v1/dhcp/leases',
    {
      config: { scope: 'stage' },
      schema: {
        summary: 'Tell of leases that a DHCP server gave, so that phones are seen before they ask for anything',
        body: DhcpLeases,
        response: { 200: DhcpLeasesTaken },
      },
    },
    async (request) => {
      const platform = ready()
      const { leases } = request.body
      const reach = await reachOf(request, platform)
      const reporter = request.token?.accountId ?? ''
      const taken = await platform.change(async (tx) => {
        const owners = await ownersOf(
          tx,
          leases.map(({ mac }) => mac),
        )
        const phones = leases.filter((lease) => isPhone(lease) || isWithin(reach, owners.get(lease.mac)))
        // Those of others are counted like any and not written: the number must not tell who they are.
        const noted = phones.filter(({ mac }) => !owners.has(mac) || isWithin(reach, owners.get(mac)))
        await recordSightings(
          tx,
          noted.map((lease) => sightingOf(lease, reporter)),
        )
        return phones.length
      })
      return { taken }
    },
  )
}

/** @param owner of a device; null: in the inventory, of nobody; undefined: not in it */
function isWithin(reach: Reach, owner: string | null | undefined): boolean {
  if (owner === undefined) return false
  return reach === null || (owner !== null && reach.includes(owner))
}

/** By its own words, for a MAC that nobody knows yet [MPP §10.2]. */
function isPhone({ hostName, vendorClass }: Lease): boolean {
  return /^SEP[0-9a-f]{12}(?:\.|$)/i.test(hostName ?? '') || productNameOf(vendorClass) !== undefined
}

/** The product name stands at the end of option 60 [MPP §10.2]. */
function productNameOf(vendorClass: string | undefined): string | undefined {
  return parseProductName(vendorClass?.split(/\s+/).at(-1) ?? '')
}

function sightingOf(lease: Lease, reporter: string): Sighting {
  const productName = productNameOf(lease.vendorClass)
  // A clock that is ahead of ours must not keep a phone seen for ever.
  const at = new Date(Math.min(Date.parse(lease.at), Date.now()))
  return {
    mac: lease.mac,
    address: lease.address,
    source: 'dhcp',
    at,
    ...(reporter === '' ? {} : { reporter }),
    ...(productName === undefined ? {} : { productName }),
  }
}
