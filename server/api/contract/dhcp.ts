/** Shapes of what a DHCP server is to say, what is wrong in its configuration, and the leases that it gave. */
import { z } from 'zod'
import { Mac, plain } from '../contract.ts'
import { Moment } from '../query.ts'

const Daemon = z.enum(['kea', 'dnsmasq', 'isc']).describe('Whose configuration: Kea, dnsmasq or ISC dhcpd')
/** An address, a network or a range; `server/discovery` says what is wrong with one. */
const place = plain(100).min(1)
const NetworkFields = {
  subnet: place.describe('e.g. `192.0.2.0/24`'),
  pool: place.describe('e.g. `192.0.2.50-192.0.2.200`'),
  dns: z.array(place).max(10).optional(),
  interface: plain(15).min(1).optional(),
}
/** Networks of one configuration: a bench has one or two. */
const NETWORKS_MAX = 20

/** 69 may be led to another port of this machine. */
const tftpPort = z
  .int()
  .min(1)
  .max(65_535)
  .optional()
  .describe('Where phones reach TFTP, if not on the port that it listens on')

export const DhcpQuestion = z
  .object({
    for: Daemon,
    server: place.describe('IPv4 where the doors for phones are').optional(),
    tftpPort,
    options: z
      .array(z.union([z.literal(66), z.literal(150), z.literal(159), z.literal(160)]))
      .max(4)
      .optional()
      .describe(
        'Options that name the provisioning server; only 66 when left out; none: the redirect service or the ACS leads phones',
      ),
    scheme: z
      .enum(['tftp', 'http', 'https'])
      .optional()
      .describe('What the options 66, 159 and 160 name; TFTP where it has port 69, else HTTP'),
    acs: z
      .object({
        url: plain(255)
          .min(1)
          .optional()
          .describe('`https://…`, where devices reach the ACS by another name or path; that of our door when left out'),
        provisioningCode: plain(64).optional(),
        retryMinimumSeconds: z.int().min(1).max(65_535).optional(),
        retryMultiplier: z.int().min(1000).max(65_535).optional().describe('Thousandths'),
      })
      .optional()
      .describe('Also name the ACS'),
    gateway: z
      .object({ oui: plain(6), serial: plain(64), productClass: plain(64).optional() })
      .optional()
      .describe('What phones are told of their gateway'),
    voiceVlan: z.object({ id: z.int().min(0).max(4094), option: z.int().min(128).max(254).optional() }).optional(),
    models: z.array(plain(64).min(1)).max(200).optional().describe('Product names; all when left out'),
    subnets: z
      .array(z.object({ ...NetworkFields, router: place.optional() }))
      .max(NETWORKS_MAX)
      .optional()
      .describe('Networks to give addresses in; none: only classes and options, to be put beside what is there'),
    serverV6: place.optional().describe('IPv6 where the doors for phones are: also DHCPv6'),
    subnets6: z.array(z.object(NetworkFields)).max(NETWORKS_MAX).optional(),
  })
  .meta({ id: 'DhcpQuestion' })

export const DhcpConfiguration = z
  .object({
    files: z.array(z.object({ name: z.string(), text: z.string() })),
    notes: z.array(z.string()).describe('What to know before it is put in place'),
  })
  .meta({ id: 'DhcpConfiguration' })

/** Characters of a configuration; ten thousand reservations have half of that. */
export const DHCP_TEXT_MAX = 1_500_000

export const DhcpText = z
  .object({
    for: Daemon.optional().describe('Guessed from the text when left out'),
    server: place.optional().describe('IPv4 where the doors for phones are: also whether it leads there'),
    tftpPort,
    text: z.string().max(DHCP_TEXT_MAX),
  })
  .meta({ id: 'DhcpText' })

export const DhcpProblems = z
  .object({
    for: Daemon,
    problems: z.array(
      z.object({
        code: z.string(),
        place: z.string().describe('A line, or a path in the configuration'),
        message: z.string(),
        advice: z.string(),
      }),
    ),
  })
  .meta({ id: 'DhcpProblems' })

/** Leases of one request. */
export const LEASES_MAX = 1000

export const DhcpLeases = z
  .object({
    leases: z
      .array(
        z.object({
          mac: Mac,
          address: z.union([z.ipv4(), z.ipv6()]),
          hostName: plain(255).optional().describe('Option 12'),
          vendorClass: plain(255).optional().describe('Option 60'),
          at: Moment.describe('When it was given'),
        }),
      )
      .min(1)
      .max(LEASES_MAX),
  })
  .meta({ id: 'DhcpLeases' })

export const DhcpLeasesTaken = z
  .object({ taken: z.int().describe('Those of phones; the others are forgotten') })
  .meta({ id: 'DhcpLeasesTaken' })
