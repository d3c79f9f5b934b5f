import type { Readable } from 'node:stream'
import { z } from 'zod'
import type { FirmwareFacts } from '../../fetch/mod.ts'
import type { Api, ApiPlatform, ReadyPlatform } from '../context.ts'
import {
  FIRMWARE_BYTES_MAX,
  FIRMWARE_NAME_FORM,
  FirmwareTooLarge,
  listFirmware,
  storeFirmware,
} from '../../store/mod.ts'
import { actor } from '../auth.ts'
import { Firmware } from '../contract.ts'
import { ApiProblem } from '../problem.ts'

const Query = z.object({
  name: z
    .string()
    .regex(
      FIRMWARE_NAME_FORM,
      'must be a file name of letters, digits, dots, _ and -, like sip88xx.12-0-7MPP0201-66.loads',
    ),
})

/** Upload takes any content type, as it is: the body is streamed to disk. */
export function firmwareRoutes(api: Api, ready: ReadyPlatform): void {
  api.addContentTypeParser('*', { bodyLimit: FIRMWARE_BYTES_MAX }, (_request, payload, done) => done(null, payload))
  api.post(
    '/api/v1/firmware',
    {
      config: { scope: 'write' },
      bodyLimit: FIRMWARE_BYTES_MAX,
      schema: { summary: 'Store a firmware file (raw body)', querystring: Query, response: { 201: Firmware } },
    },
    async (request, reply) => {
      const platform = ready()
      const body = request.body as Readable | undefined
      if (typeof body?.pipe !== 'function') {
        throw new ApiProblem(400, 'no-body', 'Send the file as the raw body with content-type application/octet-stream')
      }
      const file = await store(platform, actor(request), request.query.name, body)
      return reply.code(201).send(firmwareJson(platform, file))
    },
  )
  api.get(
    '/api/v1/firmware',
    {
      config: { scope: 'read' },
      schema: { summary: 'List firmware files', response: { 200: z.object({ items: z.array(Firmware) }) } },
    },
    async () => {
      const platform = ready()
      const files = await listFirmware(platform.db)
      return { items: files.map((file) => firmwareJson(platform, file)) }
    },
  )
}

async function store(platform: ApiPlatform, who: string, name: string, body: Readable): Promise<FirmwareFacts> {
  try {
    return await storeFirmware((work) => platform.change(work), who, name, body, platform.firmwarePath)
  } catch (error) {
    if (error instanceof FirmwareTooLarge) {
      throw new ApiProblem(
        413,
        'too-large',
        `Cannot store "${name}": a file may have at most ${FIRMWARE_BYTES_MAX} bytes`,
      )
    }
    throw error
  }
}

function firmwareJson(platform: ApiPlatform, file: FirmwareFacts): z.infer<typeof Firmware> {
  return { ...file, url: `${platform.facts().publicUrl}/firmware/${file.name}` }
}
