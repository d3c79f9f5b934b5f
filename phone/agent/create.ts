/** A phone as it leaves the box, and what of it is gone after a power cut. Source: MPP §5.8, §9.1. */
import type { Millis } from '../../protocol/result.ts'
import { initialWebState } from './admin/mod.ts'
import { EMPTY_TR069_MEMORY, INITIAL_CWMP_STATE } from './cwmp/mod.ts'
import { factoryParameters } from './factory-defaults.ts'
import { DEFAULT_POLICIES } from './policies.ts'
import { initialLinesState } from './sip/mod.ts'
import type { Agent, Flash, Hardware, PhonePolicies, Ram } from './types.ts'

/** Text of an empty place in the status pages (MPP §7.4). */
export const NOT_INSTALLED = 'Not Installed'

/**
 * Makes a phone that is powered off.
 * @param options.flash  what an earlier life left; absent: factory state
 */
export function createAgent(
  hardware: Hardware,
  options: { readonly policies?: Partial<PhonePolicies>; readonly flash?: Flash } = {},
): Agent {
  const policies: PhonePolicies = { ...DEFAULT_POLICIES, ...options.policies }
  return {
    hardware,
    policies,
    flash: options.flash ?? factoryFlash(hardware, { policies }),
    ram: emptyRam(0),
  }
}

/**
 * Nothing provisioned: every parameter at the default of model and load, customization `Open` (MPP §9.1).
 * @param made.load  the load that is reset; absent: the one that left the factory
 */
export function factoryFlash(
  hardware: Hardware,
  made: { readonly load?: string; readonly policies?: PhonePolicies } = {},
): Flash {
  const { load = hardware.factoryLoad, policies = DEFAULT_POLICIES } = made
  return {
    parameters: factoryParameters(hardware.productName, load, policies),
    customization: 'Open',
    activeLoad: load,
    inactiveLoad: undefined,
    upgradeFingerprint: undefined,
    rebootHistory: [],
    provisioningHistory: [],
    upgradeHistory: [],
    customCa: { pem: undefined, last: undefined, info: NOT_INSTALLED, rule: '' },
    reported: undefined,
    bootCause: 'power',
    resyncSucceeded: false,
    editsUnreported: false,
    tr069: EMPTY_TR069_MEMORY,
  }
}

/** The volatile memory just after power came, still off; retry indexes and timers are not kept (MPP §5.8). */
export function emptyRam(now: Millis): Ram {
  return {
    mode: 'off',
    bootedAt: now,
    lease: undefined,
    sipPort: 5060,
    timers: {},
    nextId: 1,
    run: undefined,
    download: undefined,
    upgrade: undefined,
    pending: undefined,
    pendingUpgrade: undefined,
    pendingReboot: undefined,
    pendingFactoryReset: false,
    pendingCustomCa: false,
    failedUpgrade: undefined,
    reports: [],
    problemReport: undefined,
    changedSinceBoot: [],
    discovery: undefined,
    srvQueryId: undefined,
    srvServer: undefined,
    dhcpIndex: 0,
    networkUp: false,
    lastAddress: undefined,
    busyLines: [],
    errorIndex: 0,
    periodicIndex: 0,
    periodicText: '',
    upgradeErrorIndex: 0,
    triggersWereTrue: false,
    succeeded: false,
    lastResyncAt: undefined,
    lastUpgradeAt: undefined,
    provisioningCause: 0,
    upgradeState: 1,
    lastError: '',
    upgradeError: '',
    inProgress: undefined,
    lines: initialLinesState,
    web: initialWebState,
    cwmp: INITIAL_CWMP_STATE,
  }
}
