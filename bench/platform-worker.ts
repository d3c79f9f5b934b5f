/** The real server on a real database, with the questions that a bench has. */
import pg from 'pg'
import { pino } from 'pino'
import { populate } from '../phone/fleet/mod.ts'
import { assert } from '../protocol/result.ts'
import { SESSION_LIMITS } from '../server/acs/mod.ts'
import { ANY_PORTS } from '../server/config.ts'
import { acsCredentials } from '../server/devices/mod.ts'
import { readSettings, type Server, startServer } from '../server/main.ts'
import { createDeviceCertificates, issueServerCertificate } from '../server/pki/mod.ts'
import { ensureLabCa } from '../server/store/mod.ts'
import { fillDevices, fillFleet } from './fill.ts'
import { FLEET } from './fleet-phones.ts'
import { benchDevice } from './provider.ts'
import { cpuMs, serveCalls } from './worker.ts'

export interface ServerSettings {
  readonly dataDir: string
  readonly databaseUrl: string
  readonly masterKey: string
  readonly publicHost?: string
}

let server: Server | undefined
let statementCount = 0

function running(): Server {
  assert(server !== undefined, 'the server is started first')
  return server
}

/** Counted where the driver is asked, so nothing can go past. */
function countStatements(): void {
  const prototype = pg.Client.prototype as { query: (...args: unknown[]) => unknown }
  const query = prototype.query
  prototype.query = function (this: unknown, ...args: unknown[]): unknown {
    statementCount += 1
    return query.apply(this, args)
  }
}

const calls = {
  async start({ dataDir, databaseUrl, masterKey }: ServerSettings) {
    const read = readSettings({}, { ...ANY_PORTS, DATA: dataDir, MASTER_KEY: masterKey, LOG_LEVEL: 'error' })
    assert(read.ok, 'the settings of the bench are right')
    countStatements()
    const settings = { ...read.value, host: '127.0.0.1', databaseUrl }
    server = await startServer({ settings, what: 'offhook bench', log: pino({ level: 'error' }, pino.destination(2)) })
    return server.ports
  },
  async fill({ count }: { readonly count: number }) {
    await fillDevices(running().platform, count)
  },
  async fillFleet({ registrar }: { readonly registrar: string }) {
    return fillFleet(running().platform, populate(FLEET), registrar)
  },
  /** Factory certificates of devices by their number, all with one key. */
  async certificates({ indexes }: { readonly indexes: readonly number[] }) {
    const { db, vault, secrets, now } = running().platform
    const ca = await ensureLabCa(db, vault, now())
    const make = await createDeviceCertificates(ca)
    const made = []
    for (const index of indexes) {
      const { mac, serial, model } = benchDevice(index)
      made.push(await make({ mac, serial, productName: model }, now()))
    }
    const bare = await issueServerCertificate(secrets.serverCa, ['localhost'], now())
    return { phones: made, bare: { ...bare, caPem: ca.certPem }, caPem: secrets.serverCa.certPem }
  },
  /** From now on, nothing that is asked for is known by heart: as for the first request of each of many devices. */
  forgetBeforeEach({ forget }: { readonly forget: boolean }) {
    const { context, directory } = running().platform
    const store = context.store as { device: typeof context.store.device }
    store.device = (mac) => {
      if (forget) directory.apply({ kind: 'device', mac })
      return directory.device(mac)
    }
  },
  /** User names and passwords of devices at the ACS, which lets them call as often as they can. */
  async acsCredentials({ indexes }: { readonly indexes: readonly number[] }) {
    const limits = SESSION_LIMITS as { burst: number }
    limits.burst = Number.MAX_SAFE_INTEGER
    const made = []
    for (const index of indexes) {
      const { mac, serial, model } = benchDevice(index)
      const facts = await running().platform.directory.device(mac)
      const known = facts === undefined ? undefined : acsCredentials(facts)
      assert(known !== undefined, 'the device is bound')
      made.push({ mac, serial, model, username: known.username, password: known.password })
    }
    return made
  },
  cpuMs: () => cpuMs(),
  statementCount: () => statementCount,
}

export type PlatformCalls = typeof calls

serveCalls(calls, async () => server?.stop())
