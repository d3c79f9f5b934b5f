/** What a TR-069 device costs: computing time of our process, and of the database, for a session. */
import { writeCwmp } from '../protocol/cwmp/mod.ts'
import { AcsDevice, type AcsDeviceOptions } from '../server/testing-acs.ts'
import type { AcsLoad, AcsLoadCalls } from './acs-load-worker.ts'
import type { BenchDatabases } from './database.ts'
import type { HttpStage, Pace } from './http.ts'
import { median } from './rounds.ts'
import type { Row } from './row.ts'
import { startWorker, type Worker } from './worker.ts'

/** Devices of each kind, a connection each. */
const DEVICES = 16
const SIZES = [8, 300, 1000] as const
const OUI = '000E08'

interface Party {
  readonly size: number
  readonly secure: boolean
  readonly load: AcsLoad
}

interface Round {
  readonly ours: number
  readonly database: number
  readonly statements: number
}

/** First contact, then idle sessions, for trees of three sizes over TLS with certificates and in clear with Digest. */
export async function acsRows(stage: HttpStage, databases: BenchDatabases, pace: Pace): Promise<readonly Row[]> {
  const worker = startWorker<AcsLoadCalls>('acs-load-worker')
  try {
    const parties = await partiesOf(stage, pace)
    for (const { load } of parties) await worker.call('first', load)
    const bound = await boundMs(stage, worker, pace)
    const rows: Row[] = []
    for (const party of parties) rows.push(...(await idleRows({ stage, worker, databases, pace, party, bound })))
    return [...rows, await firstContacts(stage, worker, pace)]
  } finally {
    await worker.stop()
  }
}

async function partiesOf(stage: HttpStage, pace: Pace): Promise<readonly Party[]> {
  const parties: Party[] = []
  let from = 0
  for (const secure of [true, false]) {
    for (const size of SIZES) {
      const indexes = Array.from({ length: DEVICES }, (_, index) => from + index)
      from += DEVICES
      const devices = await devicesOf(stage, indexes, size, secure)
      const load = { name: `${secure ? 'tls' : 'digest'}-${size}`, devices, newConnections: !secure, ms: pace.ms }
      parties.push({ size, secure, load })
    }
  }
  return parties
}

export async function devicesOf(
  { platform, ports }: HttpStage,
  indexes: readonly number[],
  size: number,
  secure: boolean,
): Promise<readonly AcsDeviceOptions[]> {
  const { phones, caPem } = await platform.call('certificates', { indexes })
  const known = await platform.call('acsCredentials', { indexes })
  return known.map(({ serial, model, username, password }, index) => ({
    port: secure ? ports.acsTls : ports.acs,
    oui: OUI,
    productClass: model,
    serial,
    values: treeOf(size),
    ...(secure ? { tls: { ca: caPem, pair: phones[index] } } : { credentials: { username, password } }),
  }))
}

/** The eight that each device has, and as many as are missing. */
function treeOf(size: number): Readonly<Record<string, string>> {
  const eight = {
    'Device.DeviceInfo.SoftwareVersion': 'sip88xx.12-0-7',
    'Device.DeviceInfo.HardwareVersion': '1.0',
    'Device.DeviceInfo.ProvisioningCode': '',
    'Device.ManagementServer.PeriodicInformEnable': '1',
    'Device.ManagementServer.PeriodicInformInterval': '20',
    'Device.ManagementServer.ConnectionRequestURL': 'http://192.0.2.1:7547/x',
    'Device.ManagementServer.ConnectionRequestUsername': '',
    'Device.ManagementServer.ConnectionRequestPassword': '',
  }
  const more = Array.from({ length: size - 8 }, (_, index) => [
    `Device.X_BENCH.Group.${1 + Math.floor(index / 50)}.Value${index % 50}`,
    `value ${index}`,
  ])
  return { ...eight, ...Object.fromEntries(more) }
}

/** Devices that nobody has heard of, while the server is warm: their whole first session, handshake included. */
export async function firstContacts(stage: HttpStage, worker: Worker<AcsLoadCalls>, pace: Pace): Promise<Row> {
  const figures: number[] = []
  for (let round = 0; round <= pace.rounds; round++) {
    const from = SIZES.length * 2 * DEVICES + round * DEVICES
    const indexes = Array.from({ length: DEVICES }, (_, index) => from + index)
    const devices = await devicesOf(stage, indexes, 300, true)
    const before = await stage.platform.call('cpuMs', undefined)
    await worker.call('first', { name: `first-${round}`, devices, newConnections: false, ms: pace.ms })
    if (round > 0) figures.push(((await stage.platform.call('cpuMs', undefined)) - before) / DEVICES)
  }
  const ours = median(figures)
  const aim = { text: '≤ 10', met: ours <= 10 }
  const what = 'first contact, 300 parameters, TLS'
  return { group: 'acs', what, unit: 'ms CPU', ours, rounds: pace.rounds, aim }
}

async function boundMs({ bare }: HttpStage, worker: Worker<AcsLoadCalls>, pace: Pace): Promise<number> {
  const sample = new AcsDevice({
    port: 0,
    oui: OUI,
    productClass: 'CP-8851-3PCC',
    serial: 'FCH23010000',
    values: treeOf(8),
  })
  const body = (kind: 'Inform' | 'InformResponse') =>
    new TextEncoder().encode(
      writeCwmp({
        id: '1',
        namespace: 'urn:dslforum-org:cwmp-1-2',
        headers: {},
        body: kind === 'Inform' ? sample.informOf(['2 PERIODIC']) : { kind, maxEnvelopes: 1 },
      }),
    )
  const port = await bare.call('posts', { body: body('InformResponse') })
  const figures: number[] = []
  for (let round = 0; round <= pace.rounds; round++) {
    const before = await bare.call('cpuMs', undefined)
    const count = await worker.call('posts', { port, body: body('Inform'), ms: pace.ms, lanes: DEVICES })
    if (round > 0) figures.push(((await bare.call('cpuMs', undefined)) - before) / count)
  }
  return median(figures)
}

interface IdleStage {
  readonly stage: HttpStage
  readonly worker: Worker<AcsLoadCalls>
  readonly databases: BenchDatabases
  readonly pace: Pace
  readonly party: Party
  readonly bound: number
}

async function idleRows({ stage, worker, databases, pace, party, bound }: IdleStage): Promise<readonly Row[]> {
  const rounds: Round[] = []
  for (let round = 0; round <= pace.rounds; round++) {
    const before = await figuresOf(stage, databases)
    const count = await worker.call('idle', party.load)
    const after = await figuresOf(stage, databases)
    if (round === 0) continue
    rounds.push({
      ours: (after.ours - before.ours) / count,
      database: (after.database - before.database) / count,
      statements: ((after.statements - before.statements) * 1000) / count,
    })
  }
  const group = 'acs'
  const name = `idle session, ${party.size} parameters, ${party.secure ? 'TLS, open connection' : 'Digest with its 401'}`
  const ours = median(rounds.map((round) => round.ours))
  const most = party.secure ? 0.6 : 0.8
  const common = { group, rounds: pace.rounds }
  const database = median(rounds.map((round) => round.database))
  return [
    {
      ...common,
      what: name,
      unit: 'ms CPU',
      ours,
      beside: { name: 'node:http, two POSTs', value: bound },
      ratio: bound / ours,
      aim: { text: `≤ ${most}`, met: ours <= most },
    },
    { ...common, what: `  the database for it`, unit: 'ms CPU', ours: database },
    {
      ...common,
      what: '  statements for 1,000 of them',
      unit: '',
      ours: median(rounds.map((round) => round.statements)),
      aim: { text: '≤ 2000', met: median(rounds.map((round) => round.statements)) <= 2000 },
    },
  ]
}

async function figuresOf({ platform }: HttpStage, databases: BenchDatabases): Promise<Round> {
  return {
    ours: await platform.call('cpuMs', undefined),
    database: await databases.cpuMs(),
    statements: await platform.call('statementCount', undefined),
  }
}
