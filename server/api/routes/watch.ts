/** The watch: alarms, canaries, capacity, metrics. */
import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'
import { metrics, spreadOf, suggestDelays } from '../../metrics/mod.ts'
import { checkLayer, type LayerParameter } from '../../profiles/mod.ts'
import {
  acknowledgeAlarm,
  addCanary,
  ALARM_KINDS,
  ALARM_STATES,
  askForMeasurement,
  CANARIES_MAX,
  countDevicesByState,
  findAlarm,
  findLayer,
  listAlarms,
  listCanaries,
  listCapacity,
  type MeasuredCapacity,
  recordRevision,
  removeCanary,
  replaceLayer,
  type StoredAlarm,
  type StoredCapacity,
  type StoredCanary,
} from '../../store/mod.ts'
import { actor } from '../auth.ts'
import type { Api, ApiPlatform, ReadyPlatform } from '../context.ts'
import { Mac } from '../contract.ts'
import { Alarm, Canary, Capacity, Suggestion } from '../contract/watch.ts'
import { ApiProblem, notFound } from '../problem.ts'
import { mustReachAll, reachOf } from '../reach.ts'

/** A process that has not been heard of for so long is gone. */
const HEARD_WITHIN_MS = 30_000
/** How long a request waits for the measurement that it asked for. */
const MEASURE_WAIT_MS = 15_000
const MEASURE_LOOK_MS = 200

export function watchRoutes(api: Api, ready: ReadyPlatform): void {
  alarmRoutes(api, ready)
  canaryRoutes(api, ready)
  capacityRoutes(api, ready)
  suggestionRoutes(api, ready)
  metricsRoute(api, ready)
}

const ALARM_TEXTS: Readonly<Record<StoredAlarm['kind'], string>> = {
  silence: 'Should have come back and did not',
  loop: 'Downloads its profile more often than its schedule explains',
  'unknown-macs': 'A network names too many unknown MACs',
  canary: 'Somebody asked for a MAC that no phone has',
  overload: 'More came at once than this machine can take',
}

function alarmRoutes(api: Api, ready: ReadyPlatform): void {
  const Query = z.object({
    state: z.enum(ALARM_STATES).optional(),
    kind: z.enum(ALARM_KINDS).optional(),
    mac: Mac.optional(),
    accountId: z.string().max(128).optional(),
    limit: z.coerce.number().int().min(1).max(1000).default(100),
    after: z.coerce.number().int().min(1).optional().describe('`next` of the page before'),
  })
  api.get(
    '/api/v1/alarms',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Alarms, newest first',
        querystring: Query,
        response: { 200: z.object({ items: z.array(Alarm), next: z.int().nullable() }) },
      },
    },
    async (request) => {
      const platform = ready()
      const { state, kind, mac, accountId, after, limit } = request.query
      const reach = await reachOf(request, platform)
      const states = state === undefined ? undefined : [state]
      const rows = await listAlarms(platform.db, { reach, states, kind, mac, accountId, before: after, limit })
      return { items: rows.map(alarmJson), next: rows.length === limit ? (rows.at(-1)?.seq ?? null) : null }
    },
  )
  api.post(
    '/api/v1/alarms/:id/acknowledge',
    {
      config: { scope: 'write' },
      schema: {
        summary: 'Say that somebody looks after an alarm',
        params: z.object({ id: z.string().max(64) }),
        response: { 200: Alarm },
      },
    },
    async (request) => {
      const platform = ready()
      const { id } = request.params
      const reach = await reachOf(request, platform)
      const done = await platform.change(async (tx) => {
        const alarm = await findAlarm(tx, id)
        const visible = alarm !== undefined && (reach === null || reach.includes(alarm.accountId ?? ''))
        if (!visible) throw notFound('alarm', id)
        const who = actor(request)
        await recordRevision(tx, { who, scope: 'alarm', target: id, what: 'acknowledged' })
        return acknowledgeAlarm(tx, id, who)
      })
      if (done === undefined) throw notFound('alarm', id)
      return alarmJson(done)
    },
  )
}

function alarmJson(alarm: StoredAlarm): z.infer<typeof Alarm> {
  const { seq: _seq, data, raisedAt, lastAt, acknowledgedAt, clearedAt, ...rest } = alarm
  const { advice, ...others } = data
  return {
    ...rest,
    text: data['outage'] === true ? 'Many phones should have come back and did not' : ALARM_TEXTS[alarm.kind],
    advice: typeof advice === 'string' ? advice : 'Look at the data.',
    data: others,
    raisedAt: raisedAt.toISOString(),
    lastAt: lastAt.toISOString(),
    acknowledgedAt: acknowledgedAt?.toISOString() ?? null,
    clearedAt: clearedAt?.toISOString() ?? null,
  }
}

function canaryRoutes(api: Api, ready: ReadyPlatform): void {
  const Query = z.object({
    limit: z.coerce.number().int().min(1).max(1000).default(100),
    after: z.string().max(12).optional().describe('`next` of the page before'),
  })
  api.get(
    '/api/v1/canaries',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'MACs that no phone has: whoever asks for one raises an alarm',
        querystring: Query,
        response: { 200: z.object({ items: z.array(Canary), next: z.string().nullable() }) },
      },
    },
    async (request) => {
      const platform = ready()
      await mustReachAll(request, platform)
      const { limit, after } = request.query
      const rows = await listCanaries(platform.db, { limit, after })
      return { items: rows.map(canaryJson), next: rows.length === limit ? (rows.at(-1)?.mac ?? null) : null }
    },
  )
  canaryChanges(api, ready)
}

function canaryChanges(api: Api, ready: ReadyPlatform): void {
  api.post(
    '/api/v1/canaries',
    {
      config: { scope: 'write' },
      schema: {
        summary: 'Add a MAC that no phone has',
        body: z.object({ mac: Mac, note: z.string().max(200).default('') }).meta({ id: 'NewCanary' }),
        response: { 201: Canary },
      },
    },
    async (request, reply) => {
      const platform = ready()
      await mustReachAll(request, platform)
      const { mac, note } = request.body
      const who = actor(request)
      const canary = await platform.change(async (tx) => {
        const added = await addCanary(tx, { mac, note, who })
        if (added !== undefined) await recordRevision(tx, { who, scope: 'canary', target: mac, what: 'added' })
        return added
      })
      if (canary === undefined) {
        throw new ApiProblem(
          409,
          'not-a-canary',
          `"${mac}" cannot be a canary: it is a device here, or there are ${CANARIES_MAX} canaries already. Choose a MAC that no phone has.`,
        )
      }
      return reply.code(201).send(canaryJson(canary))
    },
  )
  api.delete(
    '/api/v1/canaries/:mac',
    {
      config: { scope: 'write' },
      schema: { summary: 'Take a canary away', params: z.object({ mac: Mac }), response: { 204: z.null() } },
    },
    async (request, reply) => {
      const platform = ready()
      await mustReachAll(request, platform)
      const { mac } = request.params
      await platform.change(async (tx) => {
        if (!(await removeCanary(tx, mac))) throw notFound('canary', mac)
        await recordRevision(tx, { who: actor(request), scope: 'canary', target: mac, what: 'removed' })
      })
      return reply.code(204).send(null)
    },
  )
}

function canaryJson({ createdAt, ...canary }: StoredCanary): z.infer<typeof Canary> {
  return { ...canary, createdAt: createdAt.toISOString() }
}

function capacityRoutes(api: Api, ready: ReadyPlatform): void {
  api.get(
    '/api/v1/capacity',
    {
      config: { scope: 'read' },
      schema: { summary: 'What the machines do now and what they can do', response: { 200: Capacity } },
    },
    async (request) => {
      await mustReachAll(request, ready())
      return capacityOf(ready())
    },
  )
  api.post(
    '/api/v1/capacity/measure',
    {
      config: { scope: 'write' },
      schema: {
        summary: 'Measure what each process can do; takes a few seconds, of which each works about one',
        response: { 200: Capacity, 202: Capacity.describe('Not all have answered yet: ask GET /api/v1/capacity') },
      },
    },
    async (request, reply) => {
      const platform = ready()
      await mustReachAll(request, platform)
      const asked = await platform.change((tx) => askForMeasurement(tx, Date.now() - HEARD_WITHIN_MS))
      if (asked === 0) {
        throw new ApiProblem(503, 'nobody-watches', 'No process has reported yet; try again in a few seconds')
      }
      const done = await measured(platform)
      return reply.code(done ? 200 : 202).send(await capacityOf(platform))
    },
  )
}

/** @returns whether all have answered within the time that a request may take */
async function measured({ db }: ApiPlatform): Promise<boolean> {
  const end = Date.now() + MEASURE_WAIT_MS
  while (Date.now() < end) {
    await pause(MEASURE_LOOK_MS)
    const processes = await listCapacity(db, Date.now() - HEARD_WITHIN_MS)
    if (processes.every(({ askedAt }) => askedAt === null)) return true
  }
  return false
}

async function capacityOf(platform: ApiPlatform): Promise<z.infer<typeof Capacity>> {
  const processes = await listCapacity(platform.db, Date.now() - HEARD_WITHIN_MS)
  const states = await countDevicesByState(platform.db)
  const bound = states.find(({ state }) => state === 'bound')?.count ?? 0
  const together = sumOf(processes)
  return {
    processes: processes.map(({ process, now, measured: own, measuredAt }) => ({
      process,
      now: { ...now },
      measured: own === null ? null : { ...own },
      measuredAt: measuredAt?.toISOString() ?? null,
    })),
    measured: together ?? null,
    fleet: { bound, all: states.reduce((sum, { count }) => sum + count, 0) },
    storm: together === undefined ? null : stormOf(platform, bound, together),
  }
}

function sumOf(processes: readonly StoredCapacity[]): MeasuredCapacity | undefined {
  const known = processes.map(({ measured: own }) => own).filter((own) => own !== null)
  if (known.length === 0) return undefined
  const sum = (what: keyof MeasuredCapacity): number => known.reduce((total, own) => total + own[what], 0)
  return {
    handshakesPerSecond: sum('handshakesPerSecond'),
    requestsPerSecond: sum('requestsPerSecond'),
    rendersPerSecond: sum('rendersPerSecond'),
  }
}

function stormOf(platform: ApiPlatform, phones: number, { handshakesPerSecond }: MeasuredCapacity) {
  const periodSeconds = platform.facts().resyncPeriodSeconds
  const spread = spreadOf({ phones, handshakesPerSecond, periodSeconds })
  const rounded = (value: number): number => Math.round(value * 100) / 100
  return {
    seconds: rounded(spread.stormSeconds),
    spreadSeconds: spread.spreadSeconds,
    phonesPerSecond: rounded(spread.phonesPerSecond),
    periodicShare: Math.round(spread.periodicShare * 10_000) / 10_000,
  }
}

function suggestionRoutes(api: Api, ready: ReadyPlatform): void {
  api.get(
    '/api/v1/capacity/suggestion',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Delays that spread the fleet to what the machines can serve, as parameters of a layer',
        response: { 200: Suggestion },
      },
    },
    async (request) => {
      await mustReachAll(request, ready())
      return suggestionOf(ready())
    },
  )
  api.post(
    '/api/v1/capacity/suggestion/apply',
    {
      config: { scope: 'write' },
      schema: {
        summary: 'Write the suggested delays into the provider layer; its other parameters stay',
        response: { 200: z.object({ revisionId: z.int(), parameters: Suggestion.shape.parameters }) },
      },
    },
    async (request) => {
      const platform = ready()
      await mustReachAll(request, platform)
      const { parameters, why } = await suggestionOf(platform)
      const revisionId = await platform.change(async (tx) => {
        const before = (await findLayer(tx, platform.vault, 'provider', '-'))?.parameters ?? new Map()
        const after = new Map<string, LayerParameter>([...before, ...Object.entries(parameters)])
        return replaceLayer(tx, platform.vault, {
          scope: 'provider',
          id: '-',
          parameters: after,
          who: actor(request),
          why,
        })
      })
      return { revisionId, parameters }
    },
  )
}

async function suggestionOf(platform: ApiPlatform): Promise<z.infer<typeof Suggestion>> {
  const { measured: together, fleet } = await capacityOf(platform)
  if (together === null) {
    throw new ApiProblem(
      409,
      'not-measured',
      'There are no delays to suggest before a machine was measured. Call POST /api/v1/capacity/measure first.',
    )
  }
  const { handshakesPerSecond } = together
  const load = { phones: fleet.bound, handshakesPerSecond, periodSeconds: platform.facts().resyncPeriodSeconds }
  const parameters = Object.fromEntries(Object.entries(suggestDelays(load)).map(([name, value]) => [name, { value }]))
  const problem = checkLayer('provider', '-', new Map(Object.entries(parameters)))[0]
  if (problem !== undefined) throw new Error(`Assertion failed: a suggestion is a valid layer (${problem.message})`)
  const why = `${fleet.bound} phones, ${handshakesPerSecond} handshakes a second`
  return { scope: 'provider', id: '-', parameters, why }
}

function metricsRoute(api: Api, ready: ReadyPlatform): void {
  api.get(
    '/metrics',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Numbers of this process for Prometheus',
        produces: ['text/plain'],
        response: { 200: z.string() },
      },
      serializerCompiler: () => (text) => String(text),
    },
    async (request, reply) => {
      await mustReachAll(request, ready())
      return reply.type(metrics.contentType).send(await metrics.text())
    },
  )
}
