/**
 * What this process knows without asking the database: every MAC, profile path, open code and Customer ID by name, and
 * the facts of the devices that asked lately. A key that is not in the index is refused without a database call. Other
 * processes' changes arrive by NOTIFY; while the listening connection is lost nothing here is believed.
 */
import type { MacAddress } from '../../protocol/identity.ts'
import type { Database } from '../database/mod.ts'
import type { DeviceFacts } from '../devices/mod.ts'
import type { CodeFacts, CustomerFacts, FirmwareFacts } from '../fetch/mod.ts'
import { CHANGE_CHANNEL, type Change, readChange } from './changes.ts'
import { loadCodeFacts, loadCustomerFacts, loadDeviceFacts } from './facts.ts'
import { hashOfToken, type Vault } from './vault.ts'

/** Devices whose facts are kept; a profile's facts take about 20 kB. */
const FACTS_MAX = 20_000

export interface Directory {
  device(mac: MacAddress): Promise<DeviceFacts | undefined>
  macOfPath(profilePath: string): MacAddress | undefined
  code(token: string): Promise<CodeFacts | undefined>
  customer(customerId: string): Promise<CustomerFacts | undefined>
  firmware(name: string): FirmwareFacts | undefined
  /** Called for each change after the index has taken it in. */
  onChange(handler: (change: Change) => void): void
  close(): Promise<void>
}

interface Index {
  readonly paths: Map<string, MacAddress>
  readonly macs: Set<string>
  readonly codes: Map<string, number>
  readonly customers: Set<string>
  readonly firmware: Map<string, FirmwareFacts>
}

/** Loads the index and follows the changes. Throws when the database cannot be read. */
export async function openDirectory(db: Database, vault: Vault): Promise<Directory> {
  const handlers: ((change: Change) => void)[] = []
  const facts = new Map<string, Promise<DeviceFacts | undefined>>()
  let index: Index | undefined
  let loading: Promise<void> = Promise.resolve()
  let generation = 0

  function reload(): Promise<void> {
    generation += 1
    const mine = generation
    index = undefined
    facts.clear()
    loading = loadIndex(db).then((loaded) => {
      // A change that came while the rows were read asks for another look, so that none is lost.
      if (mine === generation) index = loaded
    })
    return loading
  }

  function take(change: Change): void {
    if (index === undefined) {
      void reload().catch(() => undefined)
    } else if (change.kind === 'firmware') {
      void reloadFirmware(db, index).catch(() => undefined)
    } else {
      applyChange(index, facts, change)
    }
    for (const handler of handlers) handler(change)
  }

  const listening = await db.listen(CHANGE_CHANNEL, {
    onMessage: (payload) => take(readChange(payload)),
    onLost: () => {
      generation += 1
      index = undefined
      facts.clear()
    },
    onBack: () => {
      void reload().catch(() => undefined)
      for (const handler of handlers) handler({ kind: 'many' })
    },
  })
  await reload()

  return {
    async device(mac) {
      if (index === undefined) return loadDeviceFacts(db, vault, mac)
      return index.macs.has(mac) ? cachedFacts(db, vault, facts, mac) : undefined
    },
    macOfPath: (path) => index?.paths.get(path),
    async code(token) {
      const hash = hashOfToken(token)
      const known = index === undefined || index.codes.has(hash.toString('hex'))
      return known ? loadCodeFacts(db, hash) : undefined
    },
    async customer(customerId) {
      const known = index === undefined || index.customers.has(customerId)
      return known ? loadCustomerFacts(db, customerId) : undefined
    },
    firmware: (name) => index?.firmware.get(name),
    onChange: (handler) => handlers.push(handler),
    close: () => listening.close(),
  }
}

/** One load for all who ask at once; a failed one is forgotten. */
function cachedFacts(
  db: Database,
  vault: Vault,
  facts: Map<string, Promise<DeviceFacts | undefined>>,
  mac: MacAddress,
): Promise<DeviceFacts | undefined> {
  const known = facts.get(mac)
  if (known !== undefined) return known
  if (facts.size >= FACTS_MAX) facts.delete(facts.keys().next().value ?? '')
  const load = loadDeviceFacts(db, vault, mac)
  facts.set(mac, load)
  load.catch(() => {
    if (facts.get(mac) === load) facts.delete(mac)
  })
  return load
}

function applyChange(index: Index, facts: Map<string, unknown>, change: Change): void {
  switch (change.kind) {
    case 'device':
      facts.delete(change.mac)
      index.macs.add(change.mac)
      if (change.path !== undefined) index.paths.set(change.path, change.mac)
      return
    case 'code':
      forgetPast(index.codes)
      index.codes.set(change.hash, change.until)
      return
    case 'customer':
      index.customers.add(change.customerId)
      return
    case 'many':
      facts.clear()
      return
    case 'firmware':
    case 'trust':
      return
  }
}

/** Codes past their time leave the index when it grows. */
function forgetPast(codes: Map<string, number>): void {
  if (codes.size % 1000 !== 999) return
  for (const [hash, until] of codes) if (until < Date.now()) codes.delete(hash)
}

async function loadIndex(db: Database): Promise<Index> {
  const [devices, codes, customers, firmware] = await Promise.all([
    db.query<{ mac: MacAddress; profile_path: string }>({
      name: 'index-devices',
      text: 'select mac, profile_path from device',
      values: [],
    }),
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
    paths: new Map(devices.map((row) => [row.profile_path, row.mac])),
    macs: new Set(devices.map((row) => row.mac)),
    codes: new Map(codes.map((row) => [row.hash, row.until])),
    customers: new Set(customers.map((row) => row.customer_id)),
    firmware: new Map(firmware.map((row) => [row.name, row])),
  }
}

async function loadFirmware(db: Database): Promise<readonly FirmwareFacts[]> {
  return db.query<FirmwareFacts>({
    name: 'index-firmware',
    text: 'select name, byte_count as "byteCount", sha256 from firmware',
    values: [],
  })
}

async function reloadFirmware(db: Database, index: Index): Promise<void> {
  const rows = await loadFirmware(db)
  index.firmware.clear()
  for (const row of rows) index.firmware.set(row.name, row)
}
