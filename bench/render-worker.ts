/** Renders, packs and seals profiles in one thread: what a server does for a phone whose profile nobody has asked for. */
import { randomBytes } from 'node:crypto'
import { catalogue } from '../protocol/profile/mod.ts'
import { assert } from '../protocol/result.ts'
import { DEFAULT_ACCOUNT_SETTINGS } from '../server/accounts/mod.ts'
import type { DeviceFacts } from '../server/devices/mod.ts'
import { createRenderings } from '../server/nps/mod.ts'
import type { Layer, LayerParameter, PlatformFacts } from '../server/profiles/mod.ts'
import { benchDevice, SMALL_MODEL } from './provider.ts'
import { cpuMs, serveCalls } from './worker.ts'

const PARAMETERS = 1300
/** Devices between two looks at the clock of the processor, which takes its time itself. */
const TOGETHER = 20

const platform: PlatformFacts = {
  publicUrl: 'https://localhost:8443',
  publicHttpUrl: 'http://localhost:8080',
  ntpServer: undefined,
  customCaUrl: 'http://localhost:8080/ca.pem',
  markerKey: randomBytes(32),
  resyncPeriodSeconds: 86_400,
}

/** @param mark ends every value: with another one each time, nothing of a profile has been seen before */
function layerOf(mark: string): Layer {
  const parameters = new Map<string, LayerParameter>()
  for (const { element, parameter } of catalogue.allFor(SMALL_MODEL)) {
    if (parameters.size >= PARAMETERS) break
    if (!parameter.secret && !/^(?:GPP_|Profile_Rule|Restricted)/.test(element)) {
      parameters.set(element, { value: `${parameter.defaultValue}${mark}`, ua: 'na' })
    }
  }
  assert(parameters.size >= PARAMETERS - 200, 'the model has that many parameters')
  return { scope: 'model', id: SMALL_MODEL, revisionId: 1, parameters }
}

function factsOf(index: number, layers: readonly Layer[]): DeviceFacts {
  const { mac, serial, model, profilePath } = benchDevice(index * 50)
  const secret = (): string => randomBytes(32).toString('hex')
  const settings = { ...DEFAULT_ACCOUNT_SETTINGS, delivery: 'sealed' } as const
  return {
    device: {
      mac,
      serial,
      model,
      accountId: 'acc_bench0',
      heldAccountId: undefined,
      state: 'bound',
      pinnedCa: undefined,
      profilePath,
      keyIssued: 1,
      keyConfirmed: 1,
      farewellOwed: false,
      servedVersion: undefined,
      runningVersion: undefined,
    },
    account: { id: 'acc_bench0', customerId: 'bench-0', name: 'Bench', settings },
    lines: [
      {
        id: `lin_${mac}`,
        index: 1,
        userId: `u${mac}`,
        displayName: `Desk ${mac}`,
        domain: 'sip.example.com',
        authId: undefined,
        outboundProxy: undefined,
        transport: undefined,
        password: secret(),
      },
    ],
    secrets: {
      adminPassword: secret(),
      userPassword: secret(),
      uidPassword: secret(),
      profileKeys: new Map([[1, secret()]]),
    },
    layers,
    features: [],
    pastFeatures: [],
  }
}

const calls = {
  /**
   * @param ms     how long
   * @param shared whether the devices share the layer; else each has one with other values
   * @returns profiles in a second of computing, and the size of one
   */
  run({ ms, shared }: { readonly ms: number; readonly shared: boolean }) {
    const common = layerOf('')
    let count = 0
    let spentMs = 0
    let byteCount = 0
    while (spentMs < ms) {
      const first = count
      const devices = Array.from({ length: TOGETHER }, (_, index) =>
        factsOf(first + index, [shared ? common : layerOf(` ${first + index}`)]),
      )
      const before = cpuMs()
      for (const facts of devices) byteCount = createRenderings().sealed(facts, platform, 1).length
      spentMs += cpuMs() - before
      count += TOGETHER
    }
    return { perSecond: (count * 1000) / spentMs, byteCount }
  },
}

export type RenderCalls = typeof calls

serveCalls(calls)
