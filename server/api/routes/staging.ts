/** Staging: boxes scanned into a batch, how far their phones have come, labels, what is missing, shipping. */
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { type MacAddress, parseMacAddress } from '../../../protocol/identity.ts'
import { labelsPdf } from '../../papers/mod.ts'
import {
  boxesForLimited,
  findAccount,
  listStrangers,
  removeBox,
  scanBoxes,
  shipBatch,
  STAGED_MAX,
  type StagedBox,
  stagedBox,
  stagingRows,
  type StoredBatch,
  totalOf,
} from '../../store/mod.ts'
import { actor } from '../auth.ts'
import { batchJson, batchProblem, existingBatch, shownBatch } from '../batch-json.ts'
import type { Api, ApiPlatform, ReadyPlatform } from '../context.ts'
import { id as Id, Mac } from '../contract.ts'
import { Batch } from '../contract/batches.ts'
import {
  BoxesCsvQuery,
  BoxesInput,
  BoxesTaken,
  LabelsQuery,
  MissingQuery,
  PickList,
  ShipInput,
  Staging,
  StagingQuery,
} from '../contract/staging.ts'
import { changeOrRollBack } from '../dry-run.ts'
import { ApiProblem, notFound } from '../problem.ts'
import { reachOf } from '../reach.ts'
import { refuseReferenced } from '../referenced.ts'
import { readBoxes, readBoxesCsv, type SentBox, shownText } from '../scanned-boxes.ts'
import { pickListCsv, pickListJson, strangerJson } from '../staging-json.ts'
import { lookSince, wholeLook } from '../staging-looks.ts'

const BatchId = z.object({ id: Id })

/** Bytes of a file of boxes: 500 a row. */
const CSV_BYTES_MAX = 512 * 1024
/** Strangers are shown for so long. */
const STRANGERS_MS = 24 * 60 * 60 * 1000
/** Labels of one document: drawing them keeps this process from other work. */
const LABELS_MAX = 1000

export function stagingRoutes(api: Api, ready: ReadyPlatform): void {
  scanRoutes(api, ready)
  removalRoute(api, ready)
  viewRoute(api, ready)
  missingRoute(api, ready)
  labelsRoute(api, ready)
  shipRoute(api, ready)
}

function scanRoutes(api: Api, ready: ReadyPlatform): void {
  api.post(
    '/api/v1/batches/:id/boxes',
    {
      config: { scope: 'stage' },
      schema: {
        summary: 'Scan boxes into an open batch: those that can be are taken, the others are named',
        description:
          'Each box is registered for the account of the batch and gets the account’s next free line, so that its label can be printed before the phone is connected. A box that is in the batch already is counted and not changed, but for its name and line.',
        params: BatchId,
        body: BoxesInput,
        response: { 200: BoxesTaken },
      },
    },
    async (request) => {
      const { boxes, dryRun } = request.body
      const platform = ready()
      const batch = await existingBatch(request, platform, request.params.id)
      const sent = boxes.map((input) => ({ input, line: null }))
      return scan(request, platform, batch, { sent, dryRun })
    },
  )
  api.post(
    '/api/v1/batches/:id/boxes/csv',
    {
      config: { scope: 'stage' },
      bodyLimit: CSV_BYTES_MAX,
      schema: {
        summary: 'The same from a CSV file',
        description: 'The first line names the columns: `mac`, `serial`, and if wanted `model`, `name`, `line`.',
        consumes: ['text/csv'],
        params: BatchId,
        querystring: BoxesCsvQuery,
        response: { 200: BoxesTaken },
      },
    },
    async (request) => {
      const platform = ready()
      const batch = await existingBatch(request, platform, request.params.id)
      if (typeof request.body !== 'string') {
        throw new ApiProblem(415, 'no-rows', 'Send CSV with the content-type text/csv')
      }
      const sent = await readBoxesCsv(request.body)
      return scan(request, platform, batch, { sent, dryRun: request.query.dryRun })
    },
  )
}

async function scan(
  request: FastifyRequest,
  platform: ApiPlatform,
  { id }: StoredBatch,
  { sent, dryRun }: { readonly sent: readonly SentBox[]; readonly dryRun: boolean },
): Promise<z.infer<typeof BoxesTaken>> {
  const reach = await reachOf(request, platform)
  const read = readBoxes(sent)
  const done = await changeOrRollBack(platform, async (tx) => {
    const scanned = await scanBoxes(tx, actor(request), id, read.boxes, reach)
    if (!scanned.ok) throw batchProblem(id, 'scan boxes into', scanned.error)
    return { found: scanned.value, keep: !dryRun }
  })
  const refused = [...read.refused, ...done.refused].toSorted((a, b) => a.index - b.index)
  return {
    added: done.added,
    already: done.already,
    refused: refused.map(({ index, code, message }) => {
      const box = sent[index]
      const mac = box?.input.mac ?? ''
      return { index, line: box?.line ?? null, mac: parseMacAddress(mac) ?? shownText(mac), code, message }
    }),
    warnings: warningsOf(done.batch),
    dryRun,
    batch: batchJson(done.batch),
  }
}

function warningsOf(batch: StoredBatch): { code: string; message: string }[] {
  const { expected } = batch
  const total = totalOf(batch)
  if (expected === null || total <= expected) return []
  const message = `There are ${total} boxes in the batch, and ${expected} were expected`
  return [{ code: 'more-than-expected', message }]
}

function removalRoute(api: Api, ready: ReadyPlatform): void {
  api.delete(
    '/api/v1/batches/:id/boxes/:mac',
    {
      config: { scope: 'stage' },
      schema: {
        summary: 'Take a box out of an open batch',
        description:
          'A device that was registered by its scan and has not proved itself since is forgotten with it, and its line is free again.',
        params: BatchId.extend({ mac: Mac }),
        response: { 200: Batch },
      },
    },
    async (request) => {
      const platform = ready()
      const { id } = await existingBatch(request, platform, request.params.id)
      const { mac } = request.params
      const done = await refuseReferenced(`box "${mac}"`, () =>
        platform.change((tx) => removeBox(tx, actor(request), id, mac)),
      )
      return shownBatch(id, 'take from', done)
    },
  )
}

async function stagedBoxes(
  request: FastifyRequest,
  platform: ApiPlatform,
  batch: StoredBatch,
  macs?: readonly MacAddress[],
): Promise<readonly StagedBox[]> {
  const rows = await stagingRows(platform.db, batch.id, macs === undefined ? {} : { macs })
  if (rows.length > STAGED_MAX) throw batchProblem(batch.id, 'show', { kind: 'too-large' })
  const reach = await reachOf(request, platform)
  const boxes = rows.map((row) => stagedBox(row, { batchCreatedAt: batch.createdAt, reach }))
  return reach === null ? boxes : boxesForLimited(boxes)
}

function viewRoute(api: Api, ready: ReadyPlatform): void {
  api.get(
    '/api/v1/batches/:id/staging',
    {
      config: { scope: 'read', orScope: 'stage' },
      schema: {
        summary: 'How far each phone of a batch has come',
        description:
          'A limited token is told only of strangers in networks in which a phone of the batch has proved itself, and of leases that tokens of its accounts have reported. Who looks again and again sends `since`, and is told only of boxes that may have changed.',
        params: BatchId,
        querystring: StagingQuery,
        response: { 200: Staging },
      },
    },
    async (request) => {
      const platform = ready()
      const batch = await existingBatch(request, platform, request.params.id)
      await platform.flush()
      const reach = await reachOf(request, platform)
      const { since } = request.query
      const look =
        since === undefined
          ? wholeLook(await stagedBoxes(request, platform, batch))
          : await lookSince(platform, batch, { reach, since })
      const at = new Date()
      const near = reach === null ? undefined : { networks: look.networks, reporters: reach }
      const strangers = await listStrangers(platform.db, new Date(at.getTime() - STRANGERS_MS), near)
      const { counts, boxes, parts, cursor } = look
      return {
        batch: batchJson(batch),
        at: at.toISOString(),
        counts,
        boxes,
        strangers: strangers.map(strangerJson),
        ...(cursor === undefined ? {} : { parts, cursor }),
      }
    },
  )
}

function missingRoute(api: Api, ready: ReadyPlatform): void {
  api.get(
    '/api/v1/batches/:id/missing',
    {
      config: { scope: 'read', orScope: 'stage' },
      schema: {
        summary: 'The pick list: boxes that did not turn up or have a problem, with what to do',
        params: BatchId,
        querystring: MissingQuery,
        produces: ['application/json', 'text/csv'],
        response: { 200: PickList },
      },
    },
    async (request, reply) => {
      const platform = ready()
      const batch = await existingBatch(request, platform, request.params.id)
      const list = pickListJson(batch, await stagedBoxes(request, platform, batch), new Date())
      if (request.query.format === 'json') return list
      reply.header('content-disposition', `attachment; filename="missing-${batch.id}.csv"`)
      reply.type('text/csv; charset=utf-8').serializer((text: string) => text)
      return reply.send(pickListCsv(list) as unknown as typeof list)
    },
  )
}

function labelsRoute(api: Api, ready: ReadyPlatform): void {
  api.get(
    '/api/v1/batches/:id/labels.pdf',
    {
      config: { scope: 'read', orScope: 'stage' },
      schema: {
        summary: 'Labels for the boxes of a batch, in the order of scanning',
        params: BatchId,
        querystring: LabelsQuery,
        produces: ['application/pdf'],
        response: { 200: z.string() },
      },
    },
    async (request, reply) => {
      const platform = ready()
      const batch = await existingBatch(request, platform, request.params.id)
      const { layout, macs } = request.query
      const boxes = await stagedBoxes(request, platform, batch, macs === undefined ? undefined : macsOf(macs))
      refuseLabels(batch.id, boxes.length, macs)
      const customer = (await findAccount(platform.db, batch.accountId))?.name ?? ''
      const labels = boxes.map(({ row: { mac, serial, model, name, lines } }) => {
        const words = lines.map(({ userId, displayName }) => `${userId} ${displayName}`.trim())
        return { mac, serial, model, name, lines: words, customer }
      })
      const pdf = Buffer.from(await labelsPdf(labels, layout, new Date()))
      reply.header('content-disposition', `attachment; filename="labels-${batch.id}.pdf"`)
      // The serializer is for JSON; bytes go past it.
      return reply.type('application/pdf').send(pdf as unknown as string)
    },
  )
}

function macsOf(text: string): readonly MacAddress[] {
  return text.split(',').map((each) => {
    const mac = parseMacAddress(each)
    if (mac !== undefined) return mac
    const detail = `macs: "${shownText(each)}" is no MAC address; expected 12 hex digits, with commas between several`
    throw new ApiProblem(422, 'not-valid', detail)
  })
}

function refuseLabels(batchId: string, count: number, macs: string | undefined): void {
  if (count === 0 && macs !== undefined) throw notFound('box in the batch', shownText(macs))
  if (count === 0) throw batchProblem(batchId, 'print labels of', { kind: 'empty' })
  if (count <= LABELS_MAX) return
  const detail = `Cannot print ${count} labels at once; at most ${LABELS_MAX}. Name some of the boxes by "macs".`
  throw new ApiProblem(422, 'too-many-labels', detail)
}

function shipRoute(api: Api, ready: ReadyPlatform): void {
  api.post(
    '/api/v1/batches/:id/ship',
    {
      config: { scope: 'stage' },
      schema: {
        summary: 'Ship a batch: it is locked',
        description:
          'Refused (`batch-not-ready`) while a box is missing, has another serial number than was scanned, is not registered or has not confirmed its key; `problems` names each.',
        params: BatchId,
        body: ShipInput,
        response: { 200: Batch },
      },
    },
    async (request) => {
      const platform = ready()
      const { id } = await existingBatch(request, platform, request.params.id)
      const { force } = request.body
      const reach = await reachOf(request, platform)
      await platform.flush()
      return shownBatch(id, 'ship', await platform.change((tx) => shipBatch(tx, actor(request), id, { force, reach })))
    },
  )
}
