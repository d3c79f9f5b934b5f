/** Full paths that every Inform of this phone carries: the list of Device:1, and the provisioning code [TR-069 §5, §10 rule 3]. */
export const FORCED_INFORM: readonly string[] = [
  'Device.DeviceSummary',
  'Device.DeviceInfo.HardwareVersion',
  'Device.DeviceInfo.SoftwareVersion',
  'Device.ManagementServer.ParameterKey',
  'Device.ManagementServer.ConnectionRequestURL',
  'Device.LAN.IPAddress',
  'Device.DeviceInfo.ProvisioningCode',
]
