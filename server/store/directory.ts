/**
 * What this process knows without asking the database: every MAC, profile path, open code and Customer ID by name, and
 * the facts of the devices that asked lately. A key that is not in the index is refused without a database call. Other
 * processes' changes arrive by NOTIFY; while the listening connection is lost nothing here is believed.
 */
import type { MacAddress } from '../../protocol/identity.ts'
import { assertNever, type Millis } from '../../protocol/result.ts'
import type { Database } from '../database/mod.ts'
import type { DeviceFacts } from '../devices/mod.ts'
import type { CodeFacts, CustomerFacts, FirmwareFacts } from '../fetch/mod.ts'
import { CHANGE_CHANNEL, type Change, readChange } from './changes.ts'
import { loadCodeFacts, loadCustomerFacts, loadDeviceFacts, loadManyDeviceFacts } from './facts.ts'
import { gatherLoads } from './gathered-loads.ts'
import { hashOfToken, type Vault } from './vault.ts'

/** Devices whose facts are kept; a profile's facts take about 20 kB. */
const FACTS_MAX = 20_000

/**
 * Facts of so many devices in one statement, of which so many are under way: while the database works on one, this
 * process answers those of another.
 */
const GATHERED = { togetherMax: 24, inFlightMax: 8 } as const

/** Codes and Customer IDs whose facts are kept. */
const TOKENS_MAX = 10_000
/** Devices that are read at a time. */
const INDEX_ROWS = 5000
/** Changes kept while the index is read; beyond it, it is read again. */
const WAITING_MAX = 100_000
const RELOAD_AFTER_MS = 1000

/** At once where memory knows it. */
type Soon<T> = T | Promise<T>

export interface Directory {
  /** At once for a MAC that is not ours, and for a device whose facts are kept. */
  device(mac: MacAddress): Soon<DeviceFacts | undefined>
  /** Whether a MAC is one of ours, from memory alone; yes while nothing here is believed. */
  knows(mac: MacAddress): boolean
  /** At once, unless nothing here is believed. */
  macOfPath(profilePath: string): Promise<MacAddress | undefined> | MacAddress | undefined
  code(token: string): Promise<CodeFacts | undefined>
  customer(customerId: string): Promise<CustomerFacts | undefined>
  firmware(name: string): Promise<FirmwareFacts | undefined>
  /** Takes in a change that this process has just committed, before its own message comes back. */
  apply(change: Change): void
  /** Called for each change after the index has taken it in. */
  onChange(handler: (change: Change) => void): void
  close(): Promise<void>
}

interface Index {
  readonly paths: Map<string, MacAddress>
  readonly macs: Set<string>
  readonly codes: Map<string, Millis>
  readonly customers: Set<string>
  readonly firmware: Map<string, FirmwareFacts>
}

/** Loads in hand or done, by key. */
interface Caches {
  readonly devices: Map<string, Soon<DeviceFacts | undefined>>
  readonly codes: Map<string, Soon<CodeFacts | undefined>>
  readonly customers: Map<string, Soon<CustomerFacts | undefined>>
}

/** Loads the index and follows the changes. Throws when the database cannot be read. */
export async function openDirectory(db: Database, vault: Vault, now: () => Millis): Promise<Directory> {
  const handlers: ((change: Change) => void)[] = []
  const caches: Caches = { devices: new Map(), codes: new Map(), customers: new Map() }
  const followed = await followIndex(db, caches, (change) => {
    for (const handler of handlers) handler(change)
  })
  const { current } = followed
  const loadOne = gatherLoads<MacAddress, DeviceFacts>({
    ...GATHERED,
    loadMany: (macs) => loadManyDeviceFacts(db, vault, macs),
  })

  return {
    device(mac) {
      const index = current()
      if (index !== undefined && !index.macs.has(mac)) return undefined
      return index === undefined
        ? loadDeviceFacts(db, vault, mac)
        : cached(caches.devices, mac, FACTS_MAX, () => loadOne(mac))
    },
    knows: (mac) => current()?.macs.has(mac) ?? true,
    macOfPath: (path) => (current() === undefined ? loadMacOfPath(db, path) : current()?.paths.get(path)),
    async code(token) {
      const hash = hashOfToken(token)
      const key = hash.toString('hex')
      const index = current()
      if (index === undefined) return loadCodeFacts(db, hash)
      // What is past its time is refused like what never was: also as fast.
      if ((index.codes.get(key) ?? 0) <= now()) return undefined
      return cached(caches.codes, key, TOKENS_MAX, () => loadCodeFacts(db, hash))
    },
    async customer(customerId) {
      const index = current()
      if (index === undefined) return loadCustomerFacts(db, customerId)
      if (!index.customers.has(customerId)) return undefined
      return cached(caches.customers, customerId, TOKENS_MAX, () => loadCustomerFacts(db, customerId))
    },
    firmware: async (name) =>
      current() === undefined ? findFirmware(await loadFirmware(db), name) : current()?.firmware.get(name),
    apply(change) {
      const index = current()
      if (index === undefined) return
      if (change.kind === 'reload') followed.reload()
      else applyChange(index, caches, change)
    },
    onChange: (handler) => handlers.push(handler),
    close: followed.close,
  }
}

interface FollowedIndex {
  /** The index as it is now, undefined while it is not to be believed. */
  readonly current: () => Index | undefined
  readonly reload: () => void
  readonly close: () => Promise<void>
}

async function followIndex(db: Database, caches: Caches, onChange: (change: Change) => void): Promise<FollowedIndex> {
  let index: Index | undefined
  let generation = 0
  let waiting: Change[] = []
  let retry: NodeJS.Timeout | undefined

  function forget(): void {
    generation += 1
    index = undefined
    waiting = []
    for (const cache of Object.values(caches)) cache.clear()
  }

  async function reload(): Promise<void> {
    forget()
    const mine = generation
    const loaded = await loadIndex(db)
    if (mine !== generation) return
    // What came while the rows were read may or may not be in them; taking it in twice does no harm.
    for (const change of waiting) applyChange(loaded, caches, change)
    waiting = []
    index = loaded
  }

  function reloadUntilDone(): void {
    reload().catch(() => {
      retry = setTimeout(reloadUntilDone, RELOAD_AFTER_MS).unref()
    })
  }

  function take(change: Change): void {
    if (change.kind === 'reload') reloadUntilDone()
    else if (index !== undefined) applyChange(index, caches, change)
    else {
      waiting.push(change)
      if (waiting.length > WAITING_MAX) reloadUntilDone()
    }
    onChange(change)
  }

  const listening = await db.listen(CHANGE_CHANNEL, {
    onMessage: (payload) => take(readChange(payload)),
    onLost: forget,
    onBack: () => {
      reloadUntilDone()
      onChange({ kind: 'many' })
    },
  })
  await reload()
  return {
    current: () => index,
    reload: reloadUntilDone,
    async close() {
      clearTimeout(retry)
      await listening.close()
    },
  }
}

/** One load for all who ask at once; what came of it is then there without waiting, and a failed one is forgotten. */
function cached<T>(cache: Map<string, Soon<T>>, key: string, most: number, load: () => Promise<T>): Soon<T> {
  const known = cache.get(key)
  if (known !== undefined) return known
  if (cache.size >= most) cache.delete(cache.keys().next().value ?? '')
  const loading = load()
  cache.set(key, loading)
  loading.then(
    (loaded) => {
      if (loaded !== undefined && cache.get(key) === loading) cache.set(key, loaded)
    },
    () => {
      if (cache.get(key) === loading) cache.delete(key)
    },
  )
  return loading
}

function applyChange(index: Index, caches: Caches, change: Change): void {
  switch (change.kind) {
    case 'device':
      caches.devices.delete(change.mac)
      index.macs.add(change.mac)
      if (change.path !== undefined) index.paths.set(change.path, change.mac)
      return
    case 'code':
      caches.codes.delete(change.hash)
      forgetPast(index.codes)
      index.codes.set(change.hash, change.until)
      return
    case 'customer':
      caches.customers.delete(change.customerId)
      index.customers.add(change.customerId)
      return
    case 'many':
      for (const cache of Object.values(caches)) cache.clear()
      return
    case 'firmware':
      index.firmware.set(change.file.name, change.file)
      return
    case 'firmware-gone':
      index.firmware.delete(change.name)
      return
    // 'reload' is taken before: it is about the index as a whole.
    case 'reload':
    case 'trust':
    case 'certificate':
      return
    default:
      return assertNever(change)
  }
}

/** Codes past their time leave the index when it grows. */
function forgetPast(codes: Map<string, number>): void {
  if (codes.size % 1000 !== 999) return
  for (const [hash, until] of codes) if (until < Date.now()) codes.delete(hash)
}

async function loadIndex(db: Database): Promise<Index> {
  const [devices, codes, customers, firmware] = await Promise.all([
    loadDevices(db),
    db.query<{ hash: string; until: number }>({
      name: 'index-codes',
      text: `select encode(hash, 'hex') as hash, extract(epoch from expires_at)::float8 * 1000 as until
               from code where expires_at > now() and revoked_at is null`,
      values: [],
    }),
    db.query<{ customer_id: string }>({ name: 'index-customers', text: 'select customer_id from account', values: [] }),
    loadFirmware(db),
  ])
  return {
    ...devices,
    codes: new Map(codes.map((row) => [row.hash, row.until])),
    customers: new Set(customers.map((row) => row.customer_id)),
    firmware: new Map(firmware.map((row) => [row.name, row])),
  }
}

/** A part at a time: all rows at once would be the most memory that the process ever takes. */
async function loadDevices(db: Database): Promise<Pick<Index, 'paths' | 'macs'>> {
  const paths = new Map<string, MacAddress>()
  const macs = new Set<string>()
  for (let last = ''; ; ) {
    const rows = await db.query<{ mac: MacAddress; profile_path: string }>({
      name: 'index-devices',
      text: 'select mac, profile_path from device where mac > $1 order by mac limit $2',
      values: [last, INDEX_ROWS],
    })
    for (const { mac, profile_path: path } of rows) {
      macs.add(mac)
      paths.set(path, mac)
      last = mac
    }
    if (rows.length < INDEX_ROWS) return { paths, macs }
  }
}

function findFirmware(files: readonly FirmwareFacts[], name: string): FirmwareFacts | undefined {
  return files.find((file) => file.name === name)
}

async function loadMacOfPath(db: Database, path: string): Promise<MacAddress | undefined> {
  const row = await db.one<{ mac: MacAddress }>({
    name: 'mac-of-path',
    text: 'select mac from device where profile_path = $1',
    values: [path],
  })
  return row?.mac
}

async function loadFirmware(db: Database): Promise<readonly FirmwareFacts[]> {
  return db.query<FirmwareFacts>({
    name: 'index-firmware',
    text: 'select name, byte_count as "byteCount", sha256 from firmware',
    values: [],
  })
}
