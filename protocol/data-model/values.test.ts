import { expect, test } from 'vitest'

import { defaultOf, elementsOf, FORCED_INFORM, modelTree, readValue, typeOf, writeValue } from './mod.ts'
import { profileWith } from './testing-profile.ts'

const VOICE = 'Device.Services.VoiceService.1.'
const PROFILE = `${VOICE}VoiceProfile.2.`
const LINE = `${PROFILE}Line.1.`

/** [path, element, value in the profile, value in the tree]: the same in both directions. */
const SAME_BOTH_WAYS: readonly (readonly [path: string, element: string, stored: string, shown: string])[] = [
  [`${LINE}Enable`, 'Line_Enable_2_', 'Yes', 'Enabled'],
  [`${LINE}Enable`, 'Line_Enable_2_', 'No', 'Disabled'],
  ['Device.X_CISCO_EnableWebServer', 'Enable_Web_Server', 'Yes', 'true'],
  ['Device.X_CISCO_CWMPV1dot2Support', 'CWMP_V1.2_Support', 'No', 'false'],
  [`${LINE}CallingFeatures.AnonymousCalEnable`, 'Block_CID_Setting', 'Yes', 'true'],
  [`${LINE}CallingFeatures.CallerIDEnable`, 'Block_CID_Setting', 'Yes', 'false'],
  [`${LINE}CallingFeatures.CallerIDEnable`, 'Block_CID_Setting', 'No', 'true'],
  [`${LINE}CallingFeatures.MaxSessions`, 'Call_Appearances_Per_Line', '4', '4'],
  [`${PROFILE}DTMFMethod`, 'DTMF_Tx_Method_2_', 'InBand', 'InBand'],
  [`${PROFILE}DTMFMethod`, 'DTMF_Tx_Method_2_', 'AVT', 'RFC2833'],
  [`${PROFILE}DTMFMethod`, 'DTMF_Tx_Method_2_', 'INFO', 'SIPInfo'],
  [`${PROFILE}DTMFMethod`, 'DTMF_Tx_Method_2_', 'Auto', 'Auto'],
  [`${LINE}Codec.X_CISCO_PreferredCodec`, 'Preferred_Codec_2_', 'G711u', 'G.711MuLaw'],
  [`${LINE}Codec.X_CISCO_PreferredCodec`, 'Preferred_Codec_2_', 'G711a', 'G.711ALaw'],
  [`${LINE}Codec.X_CISCO_PreferredCodec`, 'Preferred_Codec_2_', 'G722', 'G.722'],
  [`${LINE}Codec.X_CISCO_PreferredCodec2`, 'Second_Preferred_Codec_2_', 'G729a', 'G.729a'],
  [`${LINE}Codec.X_CISCO_PreferredCodec2`, 'Second_Preferred_Codec_2_', 'Unspecified', 'Unspecified'],
  [`${LINE}Codec.X_CISCO_PreferredCodec3`, 'Third_Preferred_Codec_2_', 'iLBC', 'iLBC'],
  [`${LINE}Codec.X_CISCO_PreferredCodec3`, 'Third_Preferred_Codec_2_', 'OPUS', 'Opus'],
  [`${PROFILE}SIP.ProxyServer`, 'Proxy_2_', 'sip.example.com', 'sip.example.com'],
  [`${PROFILE}SIP.ProxyServer`, 'Proxy_2_', '[2001:db8::1]', '2001:db8::1'],
  [`${PROFILE}SIP.ProxyServer`, 'Proxy_2_', '', ''],
  [`${PROFILE}SIP.TimerT1`, 'SIP_T1', '.5', '500'],
  [`${PROFILE}SIP.TimerT1`, 'SIP_T1', '1.25', '1250'],
  [`${PROFILE}SIP.TimerT1`, 'SIP_T1', '.001', '1'],
  [`${PROFILE}SIP.TimerT2`, 'SIP_T2', '4', '4000'],
  [`${PROFILE}SIP.TimerB`, 'SIP_Timer_B', '16', '16000'],
  [`${PROFILE}SIP.RegisterExpires`, 'Register_Expires_2_', '3600', '3600'],
  [`${PROFILE}SIP.DSCPMark`, 'SIP_TOS_DiffServ_Value_2_', '0x68', '26'],
  [`${PROFILE}RTP.DSCPMark`, 'RTP_TOS_DiffServ_Value_2_', '0xb8', '46'],
  [`${PROFILE}RTP.DSCPMark`, 'RTP_TOS_DiffServ_Value_2_', '0x00', '0'],
  [`${PROFILE}RTP.RTCP.TxRepeatInterval`, 'RTCP_Tx_Interval', '10', '10000'],
  [`${PROFILE}RTP.RTCP.Enable`, 'RTCP_Tx_Interval', '0', 'false'],
  [`${PROFILE}RTP.RTCP.Enable`, 'RTCP_Tx_Interval', '10', 'true'],
  [`${LINE}SIP.AuthUserName`, 'User_ID_2_', '1001', '1001'],
  [`${LINE}SIP.X_CISCO_AuthID`, 'Auth_ID_2_', 'auth', 'auth'],
  [`${LINE}SIP.X_CISCO_DisplayName`, 'Display_Name_2_', 'Ann B', 'Ann B'],
  [`${VOICE}X_CISCO_AttConsole.Unit.2.Key.3.Config`, 'Unit_2_Key_3_', 'fnc=sd;ext=101', 'fnc=sd;ext=101'],
  [`${VOICE}X_CISCO_PhoneSetting.LineKey.4.ShareCallApparence`, 'Share_Call_Appearance_4_', 'shared', 'shared'],
  ['Device.ManagementServer.PeriodicInformInterval', 'Periodic_Inform_Interval', '60', '60'],
  ['Device.ManagementServer.URL', 'ACS_URL', 'https://acs.example.com/', 'https://acs.example.com/'],
  ['Device.LAN.AddressingType', 'Connection_Type', 'Static IP', 'Static'],
  ['Device.LAN.AddressingType', 'Connection_Type', 'DHCP', 'DHCP'],
  ['Device.LAN.DNSServers', 'Primary_DNS', '192.0.2.1', '192.0.2.1'],
  ['Device.LAN.DHCPOption.2.Tag', 'DHCP_Option_To_Use', '66,150', '150'],
  ['Device.Time.LocalTimeZone', 'Time_Zone', 'GMT-08:00', 'GMT+8'],
  ['Device.Time.LocalTimeZone', 'Time_Zone', 'GMT+05:30', 'GMT-5:30'],
  ['Device.Time.LocalTimeZone', 'Time_Zone', 'GMT', 'GMT0'],
]

test.each(SAME_BOTH_WAYS)('%s with %s "%s" reads "%s" and is written back as it was [TR-069 §10.2]', (...row) => {
  const [path, element, stored, shown] = row
  const valueOf = profileWith({ [element]: stored })
  expect(readValue(path, valueOf)).toBe(shown)
  const written = writeValue(path, shown, valueOf)
  expect(written.ok && written.value.find((change) => change.element === element)).toEqual({ element, value: stored })
})

/** [path, element, before, text, after]. */
const WRITES: readonly (readonly [path: string, element: string, before: string, text: string, after: string])[] = [
  [`${PROFILE}SIP.ProxyServer`, 'Proxy_2_', 'a.example.com:5070', 'b.example.com', 'b.example.com:5070'],
  [`${PROFILE}SIP.ProxyServer`, 'Proxy_2_', 'a.example.com:5070', '2001:db8::1', '[2001:db8::1]:5070'],
  [`${PROFILE}SIP.ProxyServer`, 'Proxy_2_', '', '[2001:db8::1]', '[2001:db8::1]'],
  [`${PROFILE}SIP.ProxyServer`, 'Proxy_2_', 'a.example.com:5070', '', ''],
  [`${PROFILE}SIP.ProxyServerPort`, 'Proxy_2_', 'a.example.com', '5070', 'a.example.com:5070'],
  [`${PROFILE}SIP.ProxyServerPort`, 'Proxy_2_', 'a.example.com:5070', '5060', 'a.example.com'],
  [`${PROFILE}SIP.ProxyServerPort`, 'Proxy_2_', '2001:db8::1', '5070', '[2001:db8::1]:5070'],
  [`${PROFILE}SIP.ProxyServerPort`, 'Proxy_2_', '', '5060', ''],
  [`${PROFILE}SIP.OutboundProxyPort`, 'Outbound_Proxy_2_', '[::1]:5070', ' +05061 ', '[::1]:5061'],
  [`${PROFILE}RTP.RTCP.Enable`, 'RTCP_Tx_Interval', '0', 'true', '5'],
  [`${PROFILE}RTP.RTCP.Enable`, 'RTCP_Tx_Interval', '30', '1', '30'],
  [`${PROFILE}RTP.RTCP.Enable`, 'RTCP_Tx_Interval', '30', 'FALSE', '0'],
  [`${PROFILE}RTP.RTCP.TxRepeatInterval`, 'RTCP_Tx_Interval', '30', '0', '0'],
  [`${LINE}Enable`, 'Line_Enable_2_', 'Yes', 'Quiescent', 'No'],
  [`${LINE}Codec.X_CISCO_PreferredCodec`, 'Preferred_Codec_2_', 'G711u', 'G729a', 'G729a'],
  ['Device.LAN.DHCPOption.2.Tag', 'DHCP_Option_To_Use', '66,160,150', '43', '66,43,150'],
  ['Device.LAN.DHCPOption.3.Tag', 'DHCP_Option_To_Use', '66,160', '43', '66,160,43'],
  ['Device.Time.LocalTimeZone', 'Time_Zone', 'GMT', 'PST8', 'GMT-08:00'],
  ['Device.Time.LocalTimeZone', 'Time_Zone', 'GMT', '<+0530>-5:30', 'GMT+05:30'],
  ['Device.LAN.DNSServers', 'Primary_DNS', '192.0.2.9', '', ''],
]

test.each(WRITES)('%s turns %s "%s" by "%s" into "%s" [TR-069 §10.2]', (path, element, before, text, after) => {
  const written = writeValue(path, text, profileWith({ [element]: before }))
  expect(written.ok && written.value[0]).toEqual({ element, value: after })
})

/** Values of the profile that no write makes, and what they read as. */
const READS: readonly (readonly [path: string, element: string, stored: string, shown: string])[] = [
  [`${PROFILE}SIP.ProxyServer`, 'Proxy_2_', 'a.example.com:5060', 'a.example.com'],
  [`${PROFILE}SIP.ProxyServer`, 'Proxy_2_', '2001:db8::1', '2001:db8::1'],
  [`${PROFILE}SIP.ProxyServerPort`, 'Proxy_2_', '2001:db8::1', '5060'],
  [`${PROFILE}SIP.ProxyServerPort`, 'Proxy_2_', '[2001:db8::1]:5080', '5080'],
  [`${PROFILE}SIP.ProxyServerPort`, 'Proxy_2_', '', '5060'],
  [`${PROFILE}SIP.TimerT1`, 'SIP_T1', '0.50', '500'],
  [`${PROFILE}SIP.TimerT1`, 'SIP_T1', 'soon', '0'],
  [`${PROFILE}SIP.DSCPMark`, 'SIP_TOS_DiffServ_Value_2_', '184', '46'],
  [`${PROFILE}RTP.TelephoneEventPayloadType`, 'AVT_Dynamic_Payload', '0x65', '101'],
  [`${PROFILE}RTP.TelephoneEventPayloadType`, 'AVT_Dynamic_Payload', '', '0'],
  ['Device.X_CISCO_EnableWebServer', 'Enable_Web_Server', 'yes', 'true'],
  ['Device.X_CISCO_EnableWebServer', 'Enable_Web_Server', '', 'false'],
  ['Device.LAN.DHCPOption.7.Request', 'DHCP_Option_To_Use', '1,2,3,4,5,6,7', 'true'],
]

test.each(READS)('%s with %s "%s" reads "%s"', (path, element, stored, shown) => {
  expect(readValue(path, profileWith({ [element]: stored }))).toBe(shown)
})

test('keeps two name servers in two elements, and refuses a third', () => {
  const path = 'Device.LAN.DNSServers'
  const none = profileWith({})
  expect(elementsOf(path)).toEqual(['Primary_DNS', 'Secondary_DNS'])
  expect(readValue(path, profileWith({ Primary_DNS: '192.0.2.1', Secondary_DNS: '192.0.2.2' }))).toBe(
    '192.0.2.1,192.0.2.2',
  )
  expect(writeValue(path, '192.0.2.1, 192.0.2.2', none)).toEqual({
    ok: true,
    value: [
      { element: 'Primary_DNS', value: '192.0.2.1' },
      { element: 'Secondary_DNS', value: '192.0.2.2' },
    ],
  })
  expect(writeValue(path, '192.0.2.1,192.0.2.2,192.0.2.3', none)).toMatchObject({ error: { code: 9007 } })
})

/** [path, text, fault code]. */
const FAULTS: readonly (readonly [path: string, text: string, code: number])[] = [
  ['', 'x', 9005],
  ['Device.', 'x', 9005],
  ['Device.Nothing', 'x', 9005],
  ['device.DeviceSummary', 'x', 9005],
  [`${VOICE}VoiceProfile.{i}.DTMFMethod`, 'InBand', 9005],
  [`${VOICE}VoiceProfile.2.Line.2.Enable`, 'Enabled', 9005],
  [`${VOICE}VoiceProfile.17.DTMFMethod`, 'InBand', 9005],
  [`${VOICE}VoiceProfile.01.DTMFMethod`, 'InBand', 9005],
  ['Device.DeviceInfo.SoftwareVersion', 'x', 9008],
  ['Device.ManagementServer.ConnectionRequestURL', 'http://a/', 9008],
  ['Device.ManagementServer.ParameterKey', 'x', 9008],
  [`${LINE}CallingFeatures.MessageWaiting`, 'true', 9008],
  ['Device.X_CISCO_EnableWebServer', 'yes', 9006],
  [`${LINE}CallingFeatures.CallerIDEnable`, '', 9006],
  [`${PROFILE}RTP.RTCP.Enable`, 'on', 9006],
  ['Device.LAN.DHCPOption.1.Request', 'maybe', 9006],
  ['Device.ManagementServer.PeriodicInformInterval', 'often', 9006],
  ['Device.ManagementServer.PeriodicInformInterval', '1.5', 9006],
  ['Device.ManagementServer.PeriodicInformInterval', '', 9006],
  ['Device.ManagementServer.PeriodicInformTime', 'noon', 9006],
  [`${LINE}CallingFeatures.CallForwardUnconditionalEnable`, 'x', 9006],
  [`${LINE}CallingFeatures.CallForwardOnNoAnswerRingCount`, 'x', 9006],
  ['Device.LAN.DHCPOption.1.Value', '***', 9006],
  [`${LINE}CallingFeatures.CallForwardOnNoAnswerRingCount`, '-1', 9007],
  ['Device.ManagementServer.PeriodicInformInterval', '-1', 9007],
  ['Device.ManagementServer.PeriodicInformInterval', '65536', 9007],
  ['Device.ManagementServer.PeriodicInformInterval', '4294967296', 9007],
  ['Device.ManagementServer.URL', 'two words', 9007],
  ['Device.X_CISCO_HTTPReportMethod', 'PATCH', 9007],
  ['Device.Time.LocalTimeZone', 'EST5EDT,M3.2.0,M11.1.0', 9007],
  ['Device.Time.LocalTimeZone', 'GMT+8:17', 9007],
  ['Device.Time.LocalTimeZone', 'GMT+25', 9007],
  ['Device.LAN.AddressingType', 'AutoIP', 9007],
  ['Device.LAN.IPAddress', '192.0.2.256', 9007],
  ['Device.LAN.DHCPOption.1.Tag', '255', 9007],
  ['Device.LAN.DHCPOption.1.Request', 'false', 9007],
  [`${PROFILE}DTMFMethod`, 'Morse', 9007],
  [`${PROFILE}SIP.ProxyServer`, 'a.example.com:5070', 9007],
  [`${PROFILE}SIP.ProxyServer`, 'sip:a.example.com', 9007],
  [`${PROFILE}SIP.ProxyServer`, '[a.example.com]', 9007],
  [`${PROFILE}SIP.ProxyServerPort`, '0', 9007],
  [`${PROFILE}SIP.ProxyServerPort`, '65536', 9007],
  [`${PROFILE}SIP.ProxyServerPort`, '5070', 9007],
  [`${PROFILE}SIP.TimerT2`, '1500', 9007],
  [`${PROFILE}SIP.DSCPMark`, '64', 9007],
  [`${PROFILE}RTP.RTCP.TxRepeatInterval`, '65536000', 9007],
  [`${LINE}Enable`, 'true', 9007],
  [`${LINE}CallingFeatures.MaxSessions`, '11', 9007],
  [`${LINE}SIP.AuthUserName`, 'a\u0000b', 9007],
  [`${LINE}SIP.AuthUserName`, 'a'.repeat(4097), 9007],
]

test.each(FAULTS)('refuses to write %s as %j with %i [TR-069 §4.1]', (path, text, code) => {
  expect(writeValue(path, text, profileWith({}))).toMatchObject({ ok: false, error: { code } })
})

test('has nothing to change in the profile for what only the device knows', () => {
  const none = { ok: true, value: [] }
  expect(writeValue('Device.DeviceInfo.ProvisioningCode', 'a.b', profileWith({}))).toEqual(none)
  expect(writeValue('Device.ManagementServer.PeriodicInformTime', '2026-01-02T03:04:05Z', profileWith({}))).toEqual(
    none,
  )
  expect(writeValue('Device.LAN.DHCPOption.1.Request', 'true', profileWith({}))).toEqual(none)
  expect(readValue('Device.DeviceInfo.ProvisioningCode', profileWith({}))).toBeUndefined()
  expect(elementsOf('Device.DeviceInfo.ProvisioningCode')).toEqual([])
})

test('does not read what the profile does not say', () => {
  expect(readValue(`${PROFILE}SIP.ProxyServer`, () => undefined)).toBeUndefined()
  expect(readValue('Device.LAN.DHCPOption.3.Tag', profileWith({ DHCP_Option_To_Use: '66,150' }))).toBeUndefined()
  expect(readValue('Device.LAN.DHCPOption.3.Request', profileWith({ DHCP_Option_To_Use: '66,150' }))).toBeUndefined()
})

test('says no value in a refusal', () => {
  const planted = 'a\u0001word-nobody-may-see'
  const refused = writeValue(`${LINE}SIP.AuthPassword`, planted, profileWith({}))
  expect(refused.ok).toBe(false)
  expect(JSON.stringify(refused)).not.toContain('nobody-may-see')
})

test('counts the line by the profile or by the line, whichever is not the first [TR-069 §10 rule 4]', () => {
  expect(elementsOf(`${VOICE}VoiceProfile.3.Line.1.Enable`)).toEqual(['Line_Enable_3_'])
  expect(elementsOf(`${VOICE}VoiceProfile.1.Line.3.Enable`)).toEqual(['Line_Enable_3_'])
  expect(elementsOf(`${VOICE}VoiceProfile.3.SIP.ProxyServer`)).toEqual(['Proxy_3_'])
})

test('carries the list of Device:1 and the provisioning code in every Inform [TR-069 §5]', () => {
  const tree = modelTree({ lines: 1, voiceProfiles: 'profile-per-line' })
  expect(FORCED_INFORM).toHaveLength(7)
  for (const path of FORCED_INFORM) expect(tree.find(path)?.type, path).toBe('string')
})

test('knows the type and the default of what no element has', () => {
  expect(typeOf('Device.ManagementServer.CWMPRetryMinimumWaitInterval')).toBe('unsignedInt')
  expect(defaultOf('Device.ManagementServer.CWMPRetryMinimumWaitInterval')).toBe('5')
  expect(defaultOf('Device.ManagementServer.CWMPRetryIntervalMultiplier')).toBe('2000')
  expect(defaultOf('Device.ManagementServer.URL')).toBeUndefined()
  expect(typeOf('Device.ManagementServer.PeriodicInformTime')).toBe('dateTime')
  expect(typeOf('Device.LAN.')).toBe('object')
  expect(typeOf('Device.LAN')).toBeUndefined()
})
