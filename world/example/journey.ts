/** The way of the retail customer's phone to its line, told as it happens. */
import { printResyncUrl } from '../../protocol/http/mod.ts'
import { type Agent, status } from '../../phone/agent/mod.ts'
import type { Phone } from '../../phone/shell/mod.ts'
import type { Server } from '../../server/main.ts'
import type { ExampleProvider } from './provider.ts'

export interface Journey {
  readonly server: Server
  readonly provider: ExampleProvider
  readonly phone: Phone
  readonly tell: (line: string) => void
  /** Names of all events that the phone has told since it got power. */
  readonly said: ReadonlySet<string>
  /** Milliseconds; what the platform noted before belongs to earlier starts. */
  readonly startedAt: number
}

const REGISTER_WAIT_MS = 90_000
/** For the resync after power-up, which waits a random time of at most two seconds here. */
const RESYNC_WAIT_MS = 5000
const CUSTOMER_ID_PATH = '/cisco-init/'
/** Modes in which its web pages answer. */
const NETWORKED: readonly Agent['ram']['mode'][] = ['discovering', 'running']

/** Resolves with whether the line is registered, as soon as that is clear and told. Never rejects. */
export async function takeJourney(journey: Journey): Promise<boolean> {
  const { phone, tell } = journey
  try {
    await phone.until((agent) => phone.webUrl() !== undefined && NETWORKED.includes(agent.ram.mode), REGISTER_WAIT_MS)
    if (phone.agent().flash.customization === 'Open') await firstTime(journey)
    else await nextTime(journey)
    await tellPlatformSide(journey)
    return true
  } catch (error) {
    tell(`  The phone is not registered: ${error instanceof Error ? error.message : String(error)}`)
    return false
  }
}

/** A phone in factory state waits for what the guide tells a customer to do (guide: Retail Distribution). */
async function firstTime(journey: Journey): Promise<void> {
  const { server, provider, phone, tell } = journey
  const url = `${server.publicUrl}${CUSTOMER_ID_PATH}${provider.data.account.customerId}`
  const command = printResyncUrl(phone.webUrl() ?? '', url)
  tell(`  ${clock(Date.now())}  customer opens ${command}`)
  const response = await fetch(command)
  tell(`  ${clock(Date.now())}  customer sees ${response.status} "${textOf(await response.text())}"`)
  await registered(journey)
}

async function nextTime(journey: Journey): Promise<void> {
  const { phone, said, tell } = journey
  tell('  The phone was provisioned at an earlier start and remembers: it registers and resyncs by itself.')
  await registered(journey)
  // No failure when there is none: a phone that was cut off while it rebooted with new parameters does not ask again.
  await phone
    .until(() => said.has('resync-finished') || said.has('resync-retry'), RESYNC_WAIT_MS)
    .catch(() => undefined)
}

/** Rejects as soon as the phone says that it failed, though it goes on trying by itself. */
async function registered({ phone, said }: Journey): Promise<void> {
  await phone.until((agent) => said.has('resync-retry') || isRegistered(agent), REGISTER_WAIT_MS)
  if (!isRegistered(phone.agent())) throw new Error('its resync failed, as it says above; it will try again')
}

function isRegistered(agent: Agent): boolean {
  return status(agent, Date.now()).lines.some((line) => line.state === 'registered')
}

/** What the page says, without its markup and title. */
function textOf(page: string): string {
  const body = page.replace(/^[^]*<body[^>]*>/i, '').replace(/<[^>]*>/g, ' ')
  return body.replace(/\s+/g, ' ').trim().slice(0, 120)
}

async function tellPlatformSide({ provider, tell, startedAt }: Journey): Promise<void> {
  const { items } = await provider.api.get<{ items: readonly { at: string; text: string; name: string }[] }>(
    `devices/${provider.data.phone.mac}/events?limit=20`,
  )
  const noted = items.filter(({ at }) => Date.parse(at) >= startedAt)
  if (noted.length === 0) return
  tell('')
  tell('  What the platform noted of it meanwhile:')
  for (const event of noted.toReversed()) {
    tell(`  ${clock(Date.parse(event.at))}  platform ${event.text} (${event.name})`)
  }
}

/** Local time of day, to the second. */
export function clock(at: number): string {
  return new Date(at).toTimeString().slice(0, 8)
}
