/** Firmware files: uploaded whole or not at all, listed, noted, deleted when no rule names them. */
import type { Readable } from 'node:stream'
import { z } from 'zod'
import {
  deleteFirmware,
  findFirmware,
  FIRMWARE_BYTES_MAX,
  FIRMWARE_NAME_FORM,
  FirmwareEmpty,
  type FirmwareProblem,
  FirmwareTooLarge,
  listFirmware,
  noteFirmware,
  storeFirmware,
  type StoredFirmware,
} from '../../store/mod.ts'
import { actor } from '../auth.ts'
import type { Api, ApiPlatform, ReadyPlatform } from '../context.ts'
import { Firmware, plain } from '../contract.ts'
import { ApiProblem, notFound } from '../problem.ts'
import { mustReachAll, reachOf } from '../reach.ts'

const Name = z.string().regex(FIRMWARE_NAME_FORM, {
  error: ({ input }) =>
    `${JSON.stringify(String(input).slice(0, 80))} must be a file name of at most 128 letters, digits, dots, _ and -, like sip88xx.12-0-7MPP0201-66.loads`,
})
const FirmwareName = z.object({ name: Name })
const Notes = plain(2000)

/** Upload takes any content type, as it is: the body is streamed to disk. */
export function firmwareRoutes(api: Api, ready: ReadyPlatform): void {
  api.addContentTypeParser('*', { bodyLimit: FIRMWARE_BYTES_MAX }, (_request, payload, done) => done(null, payload))
  uploading(api, ready)
  reading(api, ready)
  changing(api, ready)
}

function uploading(api: Api, ready: ReadyPlatform): void {
  api.post(
    '/api/v1/firmware',
    {
      config: { scope: 'write' },
      bodyLimit: FIRMWARE_BYTES_MAX,
      schema: {
        summary: 'Store a firmware file (raw body)',
        consumes: ['application/octet-stream'],
        querystring: FirmwareName.extend({ notes: Notes.optional() }),
        response: { 201: Firmware },
      },
    },
    async (request, reply) => {
      const platform = ready()
      await mustReachAll(request, platform)
      const body = request.body as Readable | undefined
      if (typeof body?.pipe !== 'function') {
        throw new ApiProblem(400, 'no-body', 'Send the file as the raw body with content-type application/octet-stream')
      }
      const { name, notes } = request.query
      await store(platform, actor(request), { name, notes }, body)
      return reply.code(201).send(firmwareJson(platform, await existing(platform, name)))
    },
  )
}

const NO_ROOM: readonly unknown[] = ['ENOSPC', 'EDQUOT', 'EFBIG']

async function store(
  platform: ApiPlatform,
  who: string,
  { name, notes }: { readonly name: string; readonly notes: string | undefined },
  body: Readable,
): Promise<void> {
  try {
    await storeFirmware((work) => platform.change(work), who, name, body, platform.firmwarePath, notes)
  } catch (error) {
    if (error instanceof FirmwareEmpty) {
      throw new ApiProblem(
        400,
        'no-body',
        `Cannot store "${name}": the file is empty. Send its bytes as the raw body (curl --data-binary @file).`,
      )
    }
    if (error instanceof FirmwareTooLarge) {
      throw new ApiProblem(
        413,
        'too-large',
        `Cannot store "${name}": a file may have at most ${FIRMWARE_BYTES_MAX} bytes`,
      )
    }
    if (NO_ROOM.includes((error as NodeJS.ErrnoException).code)) {
      throw new ApiProblem(
        507,
        'disk-full',
        `Cannot store "${name}": there is no room for it in the data directory. Nothing of it was kept; make room and send it again.`,
      )
    }
    throw error
  }
}

async function existing(platform: ApiPlatform, name: string): Promise<StoredFirmware> {
  const file = await findFirmware(platform.db, name)
  if (file === undefined) throw notFound('firmware file', name)
  return file
}

function reading(api: Api, ready: ReadyPlatform): void {
  api.get(
    '/api/v1/firmware',
    {
      config: { scope: 'read' },
      schema: { summary: 'List firmware files', response: { 200: z.object({ items: z.array(Firmware) }) } },
    },
    async (request) => {
      const platform = ready()
      // Any phone may have firmware, so any token may see which there is.
      await reachOf(request, platform)
      const files = await listFirmware(platform.db)
      return { items: files.map((file) => firmwareJson(platform, file)) }
    },
  )
  api.get(
    '/api/v1/firmware/:name',
    {
      config: { scope: 'read' },
      schema: { summary: 'One firmware file', params: FirmwareName, response: { 200: Firmware } },
    },
    async (request) => {
      const platform = ready()
      await reachOf(request, platform)
      return firmwareJson(platform, await existing(platform, request.params.name))
    },
  )
}

function changing(api: Api, ready: ReadyPlatform): void {
  api.patch(
    '/api/v1/firmware/:name',
    {
      config: { scope: 'write' },
      schema: {
        summary: 'Write notes on a firmware file',
        params: FirmwareName,
        body: z.object({ notes: Notes }).meta({ id: 'FirmwareChange' }),
        response: { 200: Firmware },
      },
    },
    async (request) => {
      const platform = ready()
      await mustReachAll(request, platform)
      const { name } = request.params
      const noted = await platform.change((tx) => noteFirmware(tx, actor(request), name, request.body.notes))
      if (!noted) throw notFound('firmware file', name)
      return firmwareJson(platform, await existing(platform, name))
    },
  )
  api.delete(
    '/api/v1/firmware/:name',
    {
      config: { scope: 'write' },
      schema: {
        summary: 'Delete a firmware file that no layer names',
        params: FirmwareName,
        querystring: z.object({
          force: z
            .enum(['true', 'false'])
            .default('false')
            .transform((text) => text === 'true')
            .describe('Also when layers name it'),
        }),
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      const platform = ready()
      await mustReachAll(request, platform)
      const { name } = request.params
      const { force } = request.query
      const file = { name, pathOf: platform.firmwarePath, vault: platform.vault }
      const gone = await deleteFirmware((work) => platform.change(work), actor(request), file, { force })
      if (!gone.ok) throw firmwareProblem(name, gone.error)
      return reply.code(204).send(null)
    },
  )
}

function firmwareProblem(name: string, problem: FirmwareProblem): ApiProblem {
  if (problem.kind === 'unknown') return notFound('firmware file', name)
  const uses = problem.uses.map(({ scope, id, element }) => `${element} of the layer ${scope}/${id}`)
  return new ApiProblem(
    409,
    'firmware-in-use',
    `Cannot delete "${name}": it is named by ${uses.slice(0, 3).join(', ')}${uses.length > 3 ? ` and ${uses.length - 3} more` : ''}. Change those first, or delete it with force=true.`,
    problem.uses.map(({ scope, id, element }) => ({
      code: 'firmware-in-use',
      place: `layers/${scope}/${id}`,
      message: `${element} names "${name}"`,
    })),
  )
}

function firmwareJson(platform: ApiPlatform, file: StoredFirmware): z.infer<typeof Firmware> {
  const { name, byteCount, sha256, notes } = file
  const url = `${platform.facts().publicUrl}/firmware/${name}`
  return { name, byteCount, sha256, url, notes, createdAt: file.createdAt.toISOString() }
}
