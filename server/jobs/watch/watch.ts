/** The watch of one process: takes away what the doors noticed, and does the common work when it is its turn. */
import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { performance } from 'node:perf_hooks'
import type { MacAddress } from '../../../protocol/identity.ts'
import { createLoopDelay, metrics } from '../../metrics/mod.ts'
import type { CertificatePair } from '../../pki/mod.ts'
import { renderFirstProfile, renderOwnProfile } from '../../profiles/mod.ts'
import type { Services } from '../../services.ts'
import {
  type CapacityNow,
  CANARIES_MAX,
  countDevicesByState,
  listCanaries,
  loadDeviceFacts,
  recordDownloads,
  recordMeasurement,
  reportCapacity,
  type StoredCapacity,
} from '../../store/mod.ts'
import { measureCapacity } from './measure.ts'
import { alarmsOf } from './noticed.ts'
import { runTurn, settle } from './turn.ts'

/** How often silence and loops are looked for, by whichever process comes first. */
export const TURN_EVERY_MS = 30_000
/** A process that was never measured measures itself when it has been quiet for so long. */
const QUIET_BEFORE_FIRST_MS = 60_000
const QUIET_UTILISATION = 0.2
/** Devices by state are counted at most so often, however often somebody reads the metrics. */
const STATES_FOR_MS = 15_000

export interface Watch {
  /** One look; `startWatch` calls it again and again. */
  tick(): Promise<void>
  close(): Promise<void>
}

export function openWatch(services: Services): Watch {
  const { db, log, settings, signals, now } = services
  const process = `${hostname()}:${settings.httpsPort}`
  const meter = createMeter()
  const forgetGauges = addGauges(services, meter)
  // The period, and an eighth of it as jitter: the longest wait that the platform tells its phones.
  const periodSeconds = settings.resyncPeriodSeconds + Math.ceil(settings.resyncPeriodSeconds / 8)
  let known = false
  let quietSince: number | undefined

  async function look(): Promise<void> {
    const drained = signals.drain()
    await recordDownloads(db, drained.downloads, periodSeconds)
    await settle(db, { now: now(), log }, { raise: alarmsOf(drained, process), clear: [] })
    await learnCanaries(services)
  }

  async function mindCapacity(): Promise<void> {
    const current = meter.read()
    const stored = await reportCapacity(db, { process, at: now(), now: current })
    if (!known && stored?.measured) signals.setMachine(stored.measured.handshakesPerSecond)
    known = true
    if (stored !== undefined && wantsMeasurement(stored, current)) await measure()
  }

  function wantsMeasurement(stored: StoredCapacity, current: CapacityNow): boolean {
    if (stored.askedAt !== null) return true
    if (stored.measured !== null || current.utilisation > QUIET_UTILISATION) {
      quietSince = undefined
      return false
    }
    quietSince ??= performance.now()
    return performance.now() - quietSince > QUIET_BEFORE_FIRST_MS
  }

  async function measure(): Promise<void> {
    const render = await renderingOf(services)
    const measured = await measureCapacity({ pair: await ownPair(services), render, now: now() })
    await recordMeasurement(db, { process, measured })
    signals.setMachine(measured.handshakesPerSecond)
    log.info({ event: 'capacity-measured', ...measured }, 'this machine was measured')
  }

  return {
    async tick() {
      await look()
      await mindCapacity()
      await services.change((tx) =>
        runTurn(tx, {
          now: now(),
          everyMs: TURN_EVERY_MS,
          periodSeconds,
          slackPercent: settings.silenceSlackPercent,
          retentionDays: settings.eventRetentionDays,
          log,
        }),
      )
    },
    close() {
      forgetGauges()
      meter.close()
      return Promise.resolve()
    },
  }
}

/** Takes in the canaries as they are now, without waiting for the next look. */
export async function learnCanaries({ db, signals }: Pick<Services, 'db' | 'signals'>): Promise<void> {
  const rows = await listCanaries(db, { after: undefined, limit: CANARIES_MAX })
  signals.setCanaries(rows.map(({ mac }) => mac))
}

/** A phone of ours, or the first profile when there is none yet. */
async function renderingOf({ db, vault, facts }: Services): Promise<() => void> {
  const row = await db.one<{ mac: MacAddress }>({
    name: 'any-bound-device',
    text: `select mac from device where state = 'bound' limit 1`,
    values: [],
  })
  const device = row === undefined ? undefined : await loadDeviceFacts(db, vault, row.mac)
  const platform = facts()
  if (device === undefined) return () => void renderFirstProfile(platform)
  return () => void renderOwnProfile(device, platform)
}

/** Certificates of the platform's own making are all of one kind, so another of them measures the same. */
async function ownPair({ settings }: Services): Promise<CertificatePair | undefined> {
  if (settings.tlsCertFile === undefined || settings.tlsKeyFile === undefined) return undefined
  return {
    certPem: await readFile(settings.tlsCertFile, 'utf8'),
    keyPem: await readFile(settings.tlsKeyFile, 'utf8'),
  }
}

/** Rates since the last reading. */
function createMeter() {
  const loopDelay = createLoopDelay()
  let before = { at: performance.now(), ...totals(), loop: performance.eventLoopUtilization() }
  return {
    loopDelayMs: () => loopDelay.currentMs(),
    read(): CapacityNow {
      const after = { at: performance.now(), ...totals(), loop: performance.eventLoopUtilization() }
      const seconds = Math.max(0.001, (after.at - before.at) / 1000)
      const result = {
        handshakesPerSecond: rounded((after.handshakes - before.handshakes) / seconds),
        requestsPerSecond: rounded((after.requests - before.requests) / seconds),
        loopDelayMs: rounded(loopDelay.currentMs()),
        utilisation: rounded(performance.eventLoopUtilization(after.loop, before.loop).utilization),
      }
      before = after
      return result
    },
    close: () => loopDelay.close(),
  }
}

function totals(): { readonly handshakes: number; readonly requests: number } {
  return { handshakes: metrics.handshakes.total(), requests: metrics.requests.total() }
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100
}

function addGauges({ db }: Services, meter: { readonly loopDelayMs: () => number }): () => void {
  let counted: { readonly at: number; readonly states: ReadonlyMap<string, number> } | undefined
  async function states(): Promise<ReadonlyMap<string, number>> {
    if (counted === undefined || performance.now() - counted.at > STATES_FOR_MS) {
      const rows = await countDevicesByState(db)
      counted = { at: performance.now(), states: new Map(rows.map(({ state, count }) => [state, count])) }
    }
    return counted.states
  }
  const added = [
    metrics.addGauge(
      'offhook_event_loop_delay_seconds',
      'How late the event loop is',
      {},
      () => meter.loopDelayMs() / 1000,
    ),
    ...['known', 'held', 'bound', 'released', 'disabled'].map((state) =>
      metrics.addGauge('offhook_devices', 'Devices by state', { state }, async () => (await states()).get(state) ?? 0),
    ),
  ]
  return () => {
    for (const forget of added) forget()
  }
}
