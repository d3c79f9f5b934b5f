import type { ModelSection } from './data-row.ts'

/**
 * The device itself: what it is, its ACS, time, network and web pages [TR-069 §10].
 * Paths and types of the standard objects are those of TR-106 issue 1; types and access of the `X_CISCO_` leaves are
 * inferred from the element of the profile, so a real phone may say otherwise. The elements of `ManagementServer` go by
 * their meaning [TR-069 §10.1].
 */
// biome-ignore format: a table, one parameter a line
export const DEVICE_SECTIONS: readonly ModelSection[] = [
  { path: 'Device.', access: 'ro', rows: [
    ['DeviceSummary', 'string', 'ro'],
    ['X_CISCO_RestrictedAccessDomains', 'string', 'rw', 'Restricted_Access_Domains'],
    ['X_CISCO_EnableWebServer', 'boolean', 'rw', 'Enable_Web_Server'],
    ['X_CISCO_WebProtocol', 'string', 'rw', 'Enable_Protocol'],
    ['X_CISCO_EnableDirectActionUrl', 'boolean', 'rw', 'Enable_Direct_Action_Url'],
    ['X_CISCO_SessionMaxTimeout', 'unsignedInt', 'rw', 'Session_Max_Timeout'],
    ['X_CISCO_SessionIdleTimeout', 'unsignedInt', 'rw', 'Session_Idle_Timeout'],
    ['X_CISCO_WebServerPort', 'string', 'rw', 'Web_Server_Port'],
    ['X_CISCO_EnableWebAdminAccess', 'boolean', 'rw', 'Enable_Web_Admin_Access'],
    ['X_CISCO_HostName', 'string', 'rw', 'Host_Name'],
    ['X_CISCO_Domain', 'string', 'rw', 'Domain'],
    ['X_CISCO_UpgradeErrorRetryDelay', 'string', 'rw', 'Upgrade_Error_Retry_Delay'],
    ['X_CISCO_UpgradeRule', 'string', 'rw', 'Upgrade_Rule'],
    ['X_CISCO_ProfileRule', 'string', 'rw', 'Profile_Rule'],
    ['X_CISCO_UserConfigurableResync', 'boolean', 'rw', 'User_Configurable_Resync'],
    ['X_CISCO_HTTPReportMethod', 'string', 'rw', 'HTTP_Report_Method'],
    ['X_CISCO_CWMPV1dot2Support', 'boolean', 'rw', 'CWMP_V1.2_Support'],
  ] },
  { path: 'Device.DeviceInfo.', access: 'ro', rows: [
    ['Manufacturer', 'string', 'ro'],
    ['ManufacturerOUI', 'string', 'ro'],
    ['ModelName', 'string', 'ro'],
    ['Description', 'string', 'ro'],
    ['ProductClass', 'string', 'ro'],
    ['SerialNumber', 'string', 'ro'],
    ['HardwareVersion', 'string', 'ro'],
    ['SoftwareVersion', 'string', 'ro'],
    ['EnabledOptions', 'string', 'ro'],
    ['AdditionalHardwareVersion', 'string', 'ro'],
    ['AdditionalSoftwareVersion', 'string', 'ro'],
    ['ProvisioningCode', 'string', 'rw'],
    ['DeviceStatus', 'string', 'ro'],
    ['UpTime', 'unsignedInt', 'ro'],
  ] },
  { path: 'Device.ManagementServer.', access: 'ro', rows: [
    ['URL', 'string', 'rw', 'ACS_URL'],
    ['Username', 'string', 'rw', 'ACS_Username'],
    ['Password', 'string', 'rw', 'ACS_Password'],
    ['PeriodicInformEnable', 'boolean', 'rw', 'Periodic_Inform_Enable'],
    ['PeriodicInformInterval', 'unsignedInt', 'rw', 'Periodic_Inform_Interval'],
    ['PeriodicInformTime', 'dateTime', 'rw'],
    ['ParameterKey', 'string', 'ro'],
    ['ConnectionRequestURL', 'string', 'ro'],
    ['ConnectionRequestUsername', 'string', 'rw', 'Connection_Request_Username'],
    ['ConnectionRequestPassword', 'string', 'rw', 'Connection_Request_Password'],
    ['CWMPRetryMinimumWaitInterval', 'unsignedInt', 'rw', '', '', '5'],
    ['CWMPRetryIntervalMultiplier', 'unsignedInt', 'rw', '', '', '2000'],
  ] },
  { path: 'Device.GatewayInfo.', access: 'ro', rows: [
    ['ManufacturerOUI', 'string', 'ro'],
    ['ProductClass', 'string', 'ro'],
    ['SerialNumber', 'string', 'ro'],
  ] },
  { path: 'Device.Time.', access: 'ro', rows: [
    ['NTPServer1', 'string', 'rw', 'Primary_NTP_Server'],
    ['NTPServer2', 'string', 'rw', 'Secondary_NTP_Server'],
    ['CurrentLocalTime', 'dateTime', 'ro'],
    ['LocalTimeZone', 'string', 'rw', 'Time_Zone', 'time-zone'],
    ['X_CISCO_TimeFormat', 'string', 'rw', 'Time_Format'],
    ['X_CISCO_DateFormat', 'string', 'rw', 'Date_Format'],
  ] },
  { path: 'Device.LAN.', access: 'ro', rows: [
    ['X_CISCO_IPMode', 'string', 'rw', 'IP_Mode'],
    ['AddressingType', 'string', 'rw', 'Connection_Type', 'addressing'],
    ['IPAddress', 'string', 'rw', 'Static_IP'],
    ['SubnetMask', 'string', 'rw', 'NetMask'],
    ['DefaultGateway', 'string', 'rw', 'Gateway'],
    ['DNSServers', 'string', 'rw', 'Primary_DNS Secondary_DNS', 'name-servers'],
    ['MACAddress', 'string', 'rw'],
    ['DHCPOptionNumberOfEntries', 'unsignedInt', 'ro'],
  ] },
  { path: 'Device.LAN.DHCPOption.', access: 'ro', rows: [] },
  { path: 'Device.LAN.DHCPOption.{i}.', access: 'rw', rows: [
    ['Request', 'boolean', 'rw', 'DHCP_Option_To_Use', 'dhcp-asked'],
    ['Tag', 'unsignedInt', 'rw', 'DHCP_Option_To_Use', 'dhcp-tag'],
    ['Value', 'base64', 'rw'],
  ] },
  { path: 'Device.Ethernet.', access: 'ro', rows: [
    ['X_CISCO_CDP', 'boolean', 'rw', 'Enable_CDP'],
    ['X_CISCO_LLDP', 'boolean', 'rw', 'Enable_LLDP-MED'],
    ['X_CISCO_EnableVLAN', 'boolean', 'rw', 'Enable_VLAN'],
    ['X_CISCO_VLANID', 'unsignedInt', 'rw', 'VLAN_ID'],
  ] },
  { path: 'Device.X_CISCO_Language.', access: 'ro', rows: [
    ['DictionaryServerScript', 'string', 'rw', 'Dictionary_Server_Script'],
    ['LanguageSelection', 'string', 'rw', 'Language_Selection'],
    ['Locale', 'string', 'rw', 'Locale'],
  ] },
  { path: 'Device.X_CISCO_XmlService.', access: 'ro', rows: [
    ['Password', 'string', 'rw', 'XML_Password'],
    ['UserName', 'string', 'rw', 'XML_User_Name'],
    ['XMLAppServiceName', 'string', 'rw', 'XML_Application_Service_Name'],
    ['XMLAppServiceURL', 'string', 'rw', 'XML_Application_Service_URL'],
    ['XMLDirServiceName', 'string', 'rw', 'XML_Directory_Service_Name'],
    ['XMLDirServiceURL', 'string', 'rw', 'XML_Directory_Service_URL'],
    ['CISCOXMLEXEEnable', 'boolean', 'rw', 'CISCO_XML_EXE_Enable'],
    ['CISCOXMLEXEAuthMode', 'string', 'rw', 'CISCO_XML_EXE_Auth_Mode'],
  ] },
  { path: 'Device.X_CISCO_SecuritySettings.', access: 'ro', rows: [
    ['TLSCipherList', 'string', 'rw', 'TLS_Cipher_List'],
  ] },
]
