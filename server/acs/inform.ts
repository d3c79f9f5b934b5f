/** What an Inform tells besides its events: what is kept of it, and how a device was reached that something waited for. */
import type { CwmpMessage } from '../../protocol/cwmp/mod.ts'
import type { Millis } from '../../protocol/result.ts'
import type { InformSeen } from '../store/mod.ts'
import { textHash } from '../tr069/mod.ts'
import type { Inform, Party } from './session.ts'

/** By which way a device was reached that something waited for. */
export function wayOf(asked: string | undefined, codes: readonly string[]): string {
  if (codes.includes('6 CONNECTION REQUEST')) return 'connection-request'
  if (asked === 'sip-reboot' && codes.includes('1 BOOT')) return asked
  if (asked === 'sip-resync' && codes.includes('4 VALUE CHANGE')) return asked
  return codes.includes('2 PERIODIC') ? 'periodic' : 'its own call'
}

/** What is kept of an Inform. */
export function informSeen(
  party: Party,
  message: CwmpMessage,
  inform: Inform,
  events: readonly string[],
  now: Millis,
): InformSeen {
  const { manufacturer, oui, productClass } = inform.deviceId
  const first = inform.parameters[0]?.name ?? ''
  const root = first.includes('.') ? first.slice(0, first.indexOf('.') + 1) : 'Device.'
  const valueOf = (name: string) => inform.parameters.find((each) => each.name === `${root}${name}`)?.value
  return {
    mac: party.mac,
    at: now,
    from: party.peer,
    secure: party.secure,
    manufacturer: manufacturer.slice(0, 64),
    oui: oui.slice(0, 6),
    productClass: productClass.slice(0, 64),
    root,
    namespace: message.namespace,
    events: events.slice(0, 64).map((code) => code.slice(0, 64)),
    software: valueOf('DeviceInfo.SoftwareVersion')?.slice(0, 256),
    parameterKey: valueOf('ManagementServer.ParameterKey')?.slice(0, 32),
    connectionRequestUrl: valueOf('ManagementServer.ConnectionRequestURL')?.slice(0, 256),
    informHash: hashOfValues(inform),
  }
}

function hashOfValues(inform: Inform): string {
  return textHash(inform.parameters.map(({ name, value }) => `${name}\u0000${value}`).join('\u0001'))
}
