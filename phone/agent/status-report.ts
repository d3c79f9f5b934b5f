/** The body of a `[--status]` report: state, no parameters. The element names are those of the Info page (MPP §7.4, §12.2). */
import type { Millis } from '../../protocol/result.ts'
import { escapeXml } from '../../protocol/xml/mod.ts'
import { localStamp } from './local-time.ts'
import { status } from './status.ts'
import type { Agent } from './types.ts'

/** Writes `<flat-status>`; the format of the vendor is not published, so this is a Model. */
export function statusReport(agent: Agent, now: Millis): string {
  const { hardware } = agent
  const state = status(agent, now)
  const stamp = (at: Millis) => localStamp(agent, at)
  const history = (name: string, entries: readonly { readonly at: Millis; readonly text: string }[]) =>
    entries.map(({ at, text }, index) => element(`${name}_${index + 1}`, `${stamp(at)} ${text}`))
  const rows = [
    element('Product_Name', hardware.productName),
    element('Serial_Number', hardware.serial),
    element('MAC_Address', hardware.mac.toUpperCase()),
    element('Software_Version', state.load),
    element('Hardware_Version', hardware.hardwareVersion),
    element('Client_Certificate', hardware.clientCertificate ? 'Installed' : 'Not Installed'),
    element('Customization', state.customization),
    element('Current_IP', state.address ?? ''),
    element('Current_Time', stamp(now)),
    ...history('Provisioning_Status', state.provisioning),
    ...history('Firmware_Upgrade_Status', state.upgrade),
    ...history(
      'Reboot_Reason',
      state.rebootHistory.map(({ at, reason }) => ({ at, text: reason })),
    ),
    element('Custom_CA_Status', state.customCa.status),
    ...state.lines
      .filter(({ userId }) => userId !== '')
      .flatMap(({ line, userId, state }) => [
        element(`User_ID_${line}_`, userId),
        element(`Registration_State_${line}_`, state),
      ]),
  ]
  return `<flat-status>\n${rows.join('')}</flat-status>\n`
}

function element(name: string, text: string): string {
  return `<${name}>${escapeXml(text)}</${name}>\n`
}
