/** Elements that are not moved in, because Offhook answers for them itself; and those that belong to one phone. */
import { RESERVED_ELEMENTS } from '../platform-layer.ts'

const COMING_BACK = 'How the phone comes back is up to Offhook; the old value would send it back to the old server'
const KEYS = 'Offhook keeps its keys and its marker there'

const MANAGED: ReadonlyMap<string, string> = new Map([
  ...['Profile_Rule', 'Profile_Rule_B', 'Profile_Rule_C', 'Profile_Rule_D'].map((name) => [name, COMING_BACK] as const),
  ...['Provision_Enable', 'Resync_On_Reset', 'Resync_Periodic', 'Resync_At__HHmm_', 'Resync_Error_Retry_Delay'].map(
    (name) => [name, COMING_BACK] as const,
  ),
  ...['Resync_Trigger_1', 'Resync_Trigger_2'].map((name) => [name, COMING_BACK] as const),
  ...RESERVED_ELEMENTS.map((name) => [name, KEYS] as const),
  ['Restricted_Access_Domains', 'It would keep the phone from its new server; Offhook names the hosts itself'],
  ['Custom_CA_Rule', 'It names the CA of the old server; Offhook names its own'],
])

/** @returns why the element is left out, or undefined */
export function managedReason(element: string): string | undefined {
  return MANAGED.get(element)
}

/** Of one phone even where many files agree: names, addresses, its clock, what its user chose. */
export const PER_DEVICE =
  /^(?:Station_Name|Station_Display_Name|Host_Name|Static_IP|NetMask|Gateway|Set_Local_.*|Short_Name_[0-9]+_|Display_Name_[0-9]+_|Shared_User_ID_[0-9]+_|SIP_URI_[0-9]+_|Speed_Dial_.*|Cfwd_.*|Mailbox_ID_[0-9]+_)$/
