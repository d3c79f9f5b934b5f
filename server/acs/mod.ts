/** The ACS: TR-069 devices call it on its own ports, HTTP and HTTPS. */
import { ACS_METHODS } from '../../protocol/cwmp/mod.ts'
import type { DeviceFacts } from '../devices/mod.ts'
import type { Services } from '../services.ts'
import { type AcsStore, openAcsStore, registerDevice } from '../store/mod.ts'
import { valueMac } from '../tr069/mod.ts'
import type { AcsContext } from './context.ts'
import { SESSION_LIMITS, type SessionLimits } from './sessions.ts'

export { type AcsDoors, DOOR_LIMITS, type DoorLimits, listenAcs, type Opened } from './listen.ts'
export type { AcsContext } from './context.ts'
export { followWished } from './follow.ts'
export { startWaker, type WakerOptions } from './wake.ts'
export { SESSION_LIMITS, type SessionLimits } from './sessions.ts'

export interface AcsOptions {
  readonly services: Services
  readonly profileVersion: (facts: DeviceFacts) => string
  readonly caPem: () => string | undefined
  /** Keeps what was written of secrets comparable, and nothing else. */
  readonly valueKey: Uint8Array
  readonly limits?: SessionLimits
}

/** No device is asked to call more often than this. */
const INFORM_SECONDS_MIN = 3600
const INFORM_SECONDS_MAX = 86_400

/** So many sessions a second this server is to have from calls by the clock, and no more. */
export function informSecondsFor(fleetSize: number, sessionsPerSecond: number): number {
  return Math.min(INFORM_SECONDS_MAX, Math.max(INFORM_SECONDS_MIN, Math.ceil(fleetSize / sessionsPerSecond)))
}

/** What the doors work with, and how to close what it holds. */
export async function openAcs(
  options: AcsOptions,
): Promise<{ readonly context: AcsContext; readonly store: AcsStore }> {
  const { services } = options
  const { settings, log, directory } = services
  const store = await openAcsStore(services)
  return {
    store,
    context: {
      store,
      log,
      now: services.now,
      limits: options.limits ?? SESSION_LIMITS,
      unknownDevices: settings.acsUnknownDevices,
      platform: services.facts,
      caPem: options.caPem,
      profileVersion: options.profileVersion,
      macOf: (mac, path, value) => valueMac(options.valueKey, mac, path, value),
      informSeconds: () => informSecondsFor(store.fleetSize(), settings.acsSessionsPerSecond),
      methods: ACS_METHODS,
      knows: (mac) => directory.knows(mac),
      device: (mac) => directory.device(mac),
      register: (device) => {
        services
          .change((sql) => registerDevice(sql, 'offhook', { ...device, accountId: undefined, lineIds: [] }))
          .catch((error: unknown) => log.error({ err: error }, 'a device that called the ACS could not be registered'))
      },
      note: (events) => {
        if (events.length > 0) services.note(events)
      },
    },
  }
}
