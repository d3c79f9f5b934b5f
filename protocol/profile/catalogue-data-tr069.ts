import type { CatalogueSection } from './catalogue-row.ts'

/** The parameters of the tab TR-069, one a line. */
// biome-ignore format: a table, one parameter a line
export const TR069_SECTIONS: readonly CatalogueSection[] = [
  { title: 'TR-069 / TR-069', rows: [
    ['Enable_TR-069', 'Bool', 'No', '', 'na', 'DESK', 'Starts the CWMP client', '88dump 8832dump features'],
    ['ACS_URL', 'URL', '', '', 'na', 'DESK', 'ACS URL', '88dump 8832dump features'],
    ['ACS_Username', 'Str', 'admin', '', 'na', 'DESK', 'HTTP user towards the ACS', '88dump 8832dump features'],
    ['ACS_Password', 'Password', '', '', 'na', 'DESK', 'HTTP password towards the ACS', '88dump 8832dump features'],
    ['Connection_Request_Username', 'Str', '', '', 'na', 'DESK', 'User the ACS must present on a connection request', '88dump 8832dump'],
    ['Connection_Request_Password', 'Password', '', '', 'na', 'DESK', 'Password for connection requests', '88dump 8832dump features'],
    ['Periodic_Inform_Interval', 'Uns16', '20', '', 'na', 'DESK', 'Seconds between Informs', '88dump 8832dump features'],
    ['Periodic_Inform_Enable', 'Bool', 'Yes', '', 'na', 'DESK', 'Sends periodic Informs', '88dump 8832dump features'],
    ['TR-069_Traceability', 'Bool', 'No', '', 'na', 'DESK', 'Logs CWMP transactions', '88dump 8832dump features'],
    ['CWMP_V1.2_Support', 'Bool', 'Yes', '', 'na', 'DESK', 'CWMP 1.2 support; No stops all Informs', '88dump 8832dump features'],
    ['TR-069_VoiceObject_Init', 'Bool', 'Yes', '', 'na', 'DESK', 'Resets voice objects to defaults at start', '88dump 8832dump features'],
    ['TR-069_DHCPOption_Init', 'Bool', 'Yes', '', 'na', 'DESK', 'Takes ACS settings from DHCP 43/60/125', '88dump 8832dump features'],
    ['TR-069_Fallback_Support', 'Bool', 'No', '', 'na', 'DESK', 'Falls back to the backup ACS', '88dump 8832dump'],
    ['BACKUP_ACS_URL', 'URL', '', '', 'na', 'DESK', 'Backup ACS URL', '88dump 8832dump features'],
    ['BACKUP_ACS_User', 'Str', '', '', 'na', 'DESK', 'Backup ACS user', '88dump 8832dump features'],
    ['BACKUP_ACS_Password', 'Password', '', '', 'na', 'DESK', 'Backup ACS password', '88dump 8832dump features'],
    ['ACS_URL_In_Use', 'Str', '', '', 'ro', '88xx', 'Read-only: ACS in use', '8851'],
    ['Connection_Request_URL', 'URL', '', '', 'ro', '88xx', 'Read-only: URL the ACS calls', '8851'],
  ] },
]
