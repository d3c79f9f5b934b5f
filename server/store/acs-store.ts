/**
 * What the ACS keeps at hand: the small rows of devices that called lately, and what is seen in idle sessions, written
 * many at a time. Whatever a device is told is stored before it is told.
 */
import type { MacAddress } from '../../protocol/identity.ts'
import { createBatch } from '../database/mod.ts'
import type { Services } from '../services.ts'
import type { AcsState, AcsWrite, KnownParameter, OpenTask } from '../tr069/mod.ts'
import { recordMessages, type TracedMessage } from './acs-messages.ts'
import { loadTree, recordParameters, type SeenParameters } from './acs-parameters.ts'
import { recordSession, type SessionPlace } from './acs-session.ts'
import {
  ACS_CHANNEL,
  countAcsDevices,
  type InformSeen,
  loadAcsState,
  loadOpenTasks,
  recordAnew,
  recordInforms,
} from './acs-state.ts'
import { createStandingNews, type StandingSeen } from './acs-standings.ts'
import { recordUnknownCallers, type UnknownCaller } from './acs-unknown.ts'
import { recordSightings, type Sighting } from './sightings.ts'

/** Devices whose rows are kept. */
const STATES_MAX = 20_000
/** Waits at most so long, and at most so many at a time. */
const BATCH = { maxRows: 500, maxWaitMs: 100, queueMax: 50_000 } as const
/** Messages under trace are large. */
const MESSAGES_BATCH = { maxRows: 100, maxWaitMs: 100, queueMax: 2000 } as const
const COUNT_EVERY_MS = 60_000

export interface AcsStore {
  /** At once when it is at hand. */
  state(mac: MacAddress): AcsState | Promise<AcsState | undefined>
  /** Its row was changed by somebody else. */
  forget(mac: MacAddress): void
  openTasks(mac: MacAddress): Promise<readonly OpenTask[]>
  tree(mac: MacAddress): Promise<ReadonlyMap<string, KnownParameter>>
  /** Resolves when it is stored. @returns tasks that were to be sent, but are in other hands or over */
  record(place: SessionPlace, writes: readonly AcsWrite[], inform?: InformSeen): Promise<readonly string[]>
  /** The Inform of a device that begins anew. Resolves with its row, when it is stored and what was learned is forgotten. */
  anew(inform: InformSeen): Promise<AcsState | undefined>
  /** Written soon; may be lost in a crash. */
  seen(inform: InformSeen, parameters: readonly KnownParameter[]): void
  unknown(caller: UnknownCaller): void
  /** Whether the timeline does not say it yet. Whoever is told so has to write it. */
  isNews(seen: StandingSeen): boolean | Promise<boolean>
  /** A phone that is not bound has turned up. */
  sighted(sighting: Sighting): void
  message(message: TracedMessage): void
  /** Devices that call here. */
  fleetSize(): number
  /** Called with the MAC for which something waits; `*`: for many. */
  onWork(handler: (mac: string) => void): void
  flush(): Promise<void>
  close(): Promise<void>
}

type AcsServices = Pick<Services, 'db' | 'vault' | 'directory' | 'log'>

/** Follows the work of other processes; throws when the database cannot be read. */
export async function openAcsStore(services: AcsServices): Promise<AcsStore> {
  const { db, vault } = services
  const states = createStateCache((mac) => loadAcsState(db, mac))
  const handlers: ((mac: string) => void)[] = []
  const batches = openBatches(services)
  const fleet = await followFleet(services)
  const listening = await db.listen(ACS_CHANNEL, {
    onMessage(mac) {
      states.forget(mac)
      for (const handler of handlers) handler(mac)
    },
    onLost: () => states.forget('*'),
    onBack: () => {
      states.forget('*')
      for (const handler of handlers) handler('*')
    },
  })
  async function changing<T>(mac: MacAddress, work: () => Promise<T>): Promise<T> {
    states.forget(mac)
    try {
      return await work()
    } finally {
      // Whoever read the row meanwhile read the old one.
      states.forget(mac)
    }
  }
  return {
    state: (mac) => states.get(mac),
    forget: (mac) => states.forget(mac),
    openTasks: (mac) => loadOpenTasks(db, vault, mac),
    tree: (mac) => loadTree(db, mac),
    record: (place, writes, inform) =>
      changing(place.mac, () => db.transaction((tx) => recordSession(tx, vault, place, writes, inform))),
    anew: (inform) => changing(inform.mac, () => recordAnew(db, inform)),
    seen(inform, parameters) {
      batches.informs.add(inform)
      if (parameters.length > 0) batches.parameters.add({ mac: inform.mac, at: inform.at, rows: parameters })
      states.seen(inform)
    },
    unknown: (caller) => batches.unknown.add(caller),
    isNews: createStandingNews(db),
    sighted: (sighting) => batches.sightings.add(sighting),
    message: (message) => batches.messages.add(message),
    fleetSize: fleet.size,
    onWork: (handler) => handlers.push(handler),
    flush: batches.flush,
    async close() {
      fleet.close()
      await listening.close()
      await batches.close()
    },
  }
}

interface StateCache {
  get(mac: MacAddress): AcsState | Promise<AcsState | undefined>
  /** @param mac `*`: all */
  forget(mac: string): void
  seen(inform: InformSeen): void
}

/** Rows as they are in the database, or being loaded; what an Inform changes is taken in before it is written. */
function createStateCache(loadOne: (mac: MacAddress) => Promise<AcsState | undefined>): StateCache {
  const states = new Map<string, AcsState | Promise<AcsState | undefined>>()
  function keep(mac: string, state: AcsState | Promise<AcsState | undefined>): void {
    if (states.size >= STATES_MAX && !states.has(mac)) states.delete(states.keys().next().value ?? '')
    states.set(mac, state)
  }
  async function load(mac: MacAddress): Promise<AcsState | undefined> {
    const loading = loadOne(mac)
    keep(mac, loading)
    try {
      const state = await loading
      // Forgotten meanwhile: what was loaded may be old.
      if (states.get(mac) === loading && state !== undefined) keep(mac, state)
      return state
    } finally {
      if (states.get(mac) === loading) states.delete(mac)
    }
  }
  return {
    get: (mac) => states.get(mac) ?? load(mac),
    forget(mac) {
      if (mac === '*') states.clear()
      else states.delete(mac)
    },
    seen(inform) {
      const known = states.get(inform.mac)
      if (known === undefined || known instanceof Promise) return
      const software = inform.software ?? known.software
      states.set(inform.mac, {
        ...known,
        informHash: inform.informHash,
        software,
        wakeFrom: undefined,
        wakeWay: undefined,
      })
    },
  }
}

function openBatches({ db, log }: AcsServices) {
  const onError = (error: unknown): void => log.error({ err: error }, 'what TR-069 devices said could not be written')
  const informs = createBatch<InformSeen>({ ...BATCH, flush: (rows) => recordInforms(db, rows), onError })
  const parameters = createBatch<SeenParameters>({ ...BATCH, flush: (rows) => recordParameters(db, rows), onError })
  const unknown = createBatch<UnknownCaller>({ ...BATCH, flush: (rows) => recordUnknownCallers(db, rows), onError })
  const sightings = createBatch<Sighting>({ ...BATCH, flush: (rows) => recordSightings(db, rows), onError })
  const messages = createBatch<TracedMessage>({ ...MESSAGES_BATCH, flush: (rows) => recordMessages(db, rows), onError })
  const all = [informs, parameters, unknown, sightings, messages]
  return {
    informs,
    parameters,
    unknown,
    sightings,
    messages,
    flush: async () => void (await Promise.all(all.map((batch) => batch.flush()))),
    close: async () => void (await Promise.all(all.map((batch) => batch.close()))),
  }
}

async function followFleet({
  db,
  log,
}: AcsServices): Promise<{ readonly size: () => number; readonly close: () => void }> {
  let size = await countAcsDevices(db)
  const timer = setInterval(() => {
    countAcsDevices(db).then(
      (count) => (size = count),
      (error: unknown) => log.warn({ err: error }, 'the devices that call by TR-069 could not be counted'),
    )
  }, COUNT_EVERY_MS)
  timer.unref()
  return { size: () => size, close: () => clearInterval(timer) }
}
