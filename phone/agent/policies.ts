/** The readings of the guide that this phone follows where sources disagree (MPP §16). */
import { DEFAULT_APPLY_POLICIES } from '../../protocol/profile/mod.ts'
import { DEFAULT_RULE_POLICIES } from '../../protocol/rule/mod.ts'
import type { CwmpPolicies } from './cwmp/mod.ts'
import type { PhonePolicies } from './types.ts'

/** Those of TR-069 that the sources make likely. */
export const DEFAULT_CWMP_POLICIES: CwmpPolicies = {
  voiceProfiles: 'profile-per-line',
  backupAcs: 'with-fallback-support',
  acsFromDhcp: 'when-unset',
  acsOptions: 'init-alone',
  declaredType: 'must-match',
  version: '1.2',
}

/** The readings that MPP marks as chosen or as its Model. */
export const DEFAULT_POLICIES: PhonePolicies = {
  apply: DEFAULT_APPLY_POLICIES,
  rule: DEFAULT_RULE_POLICIES,
  randomDelayUnitSeconds: 20,
  clearAllowedWithKey: false,
  triggersStart: false,
  redirectsMax: 5,
  rebootSections: ['System', 'SIP', 'Ext n / Proxy and Registration', 'Ext n / Subscriber Information'],
  restrictedDomains: 'exact-or-subdomain',
  dhcpFallback: false,
  dhcpServerList: 'each-in-turn',
  dhcpSpaces: 'unusable',
  dhcpFamilies: 'v4-first',
  dhcpVlan: '132-unless-named',
  vendorClassNul: true,
  vendorClassForAcs: 'forum-and-product',
  vendorClassV6: true,
  srvWeight: 'rfc2782',
  ikmEncoding: 'auto',
  httpsByDefault: '9800',
  submitAllChanges: 'restart-when-needed',
  setPasswordPage: false,
  editsAbort: 'profile-rules',
  quietSeconds: 30,
  cwmp: DEFAULT_CWMP_POLICIES,
  bootMs: 20_000,
  flashMs: 15_000,
}
