/** What the ACS works with: everything outside that a session may ask for or tell. */
import type { Logger } from 'pino'
import type { MacAddress, ProductName, SerialNumber } from '../../protocol/identity.ts'
import type { Millis } from '../../protocol/result.ts'
import type { DeviceFacts } from '../devices/mod.ts'
import type { PlatformFacts } from '../profiles/mod.ts'
import type { AcsStore, EventRecord } from '../store/mod.ts'
import type { UnknownPolicy } from '../tr069/mod.ts'
import type { SessionLimits } from './sessions.ts'

export interface AcsContext {
  readonly store: AcsStore
  readonly log: Logger
  readonly now: () => Millis
  readonly limits: SessionLimits
  readonly unknownDevices: UnknownPolicy
  readonly platform: () => PlatformFacts
  /** PEM of the CA that phones have to learn for our doors; undefined: they know it. */
  readonly caPem: () => string | undefined
  /** The marker of the profile that a device should run. */
  readonly profileVersion: (facts: DeviceFacts) => string
  readonly macOf: (mac: MacAddress, path: string, value: string) => string
  /** The interval that the size of the fleet asks for. */
  readonly informSeconds: () => number
  /** Methods that we take. */
  readonly methods: readonly string[]
  readonly knows: (mac: MacAddress) => boolean
  readonly device: (mac: MacAddress) => DeviceFacts | undefined | Promise<DeviceFacts | undefined>
  /** A certified device that nobody has registered becomes one of ours, of no account. */
  register(device: { readonly mac: MacAddress; readonly serial: SerialNumber; readonly model: ProductName }): void
  note(events: readonly EventRecord[]): void
}
