/** The API door: it listens first and answers 503 until the platform stands. */
import type { AddressInfo } from 'node:net'
import fastifySwagger from '@fastify/swagger'
import fastify, { type FastifyError, type FastifyInstance } from 'fastify'
import {
  hasZodFastifySchemaValidationErrors,
  jsonSchemaTransform,
  jsonSchemaTransformObject,
  serializerCompiler,
  validatorCompiler,
} from 'fastify-type-provider-zod'
import type { Logger } from 'pino'
import { type Api, type ApiPlatform, type ReadyPlatform, typedApi } from './context.ts'
import { authorize } from './auth.ts'
import { ApiProblem, type ProblemDocument } from './problem.ts'
import { accountRoutes } from './routes/accounts.ts'
import { actionRoutes } from './routes/actions.ts'
import { auditRoutes } from './routes/audit.ts'
import { batchRoutes } from './routes/batches.ts'
import { bulkRoutes } from './routes/bulk.ts'
import { certificateRoutes } from './routes/certificates.ts'
import { deviceConfigRoutes } from './routes/device-config.ts'
import { deviceRoutes } from './routes/devices.ts'
import { eventRoutes } from './routes/events.ts'
import { featureRoutes } from './routes/features.ts'
import { firmwareRoutes } from './routes/firmware.ts'
import { healthRoutes } from './routes/health.ts'
import { layerRoutes } from './routes/layers.ts'
import { lintRoutes } from './routes/lint.ts'
import { movingInRoutes } from './routes/moving-in.ts'
import { rcRoutes } from './routes/rc.ts'
import { reportRoutes } from './routes/reports.ts'
import { tokenRoutes } from './routes/tokens.ts'
import { trustRoutes } from './routes/trust.ts'
import { userRoutes } from './routes/users.ts'
import { watchRoutes } from './routes/watch.ts'
import { webhookRoutes } from './routes/webhooks.ts'

/** Bytes of a JSON body; firmware has its own bound. */
const BODY_BYTES_MAX = 2 * 1024 * 1024

export interface ApiDoor {
  readonly port: number
  close(): Promise<void>
}

export interface ApiOptions {
  readonly host: string
  readonly port: number
  /** undefined until every door listens. */
  readonly platform: () => ApiPlatform | undefined
  readonly log: Logger
}

export async function listenApi(options: ApiOptions): Promise<ApiDoor> {
  const app = fastify({ bodyLimit: BODY_BYTES_MAX, forceCloseConnections: 'idle', logger: false })
  const ready: ReadyPlatform = () => {
    const platform = options.platform()
    if (platform === undefined) throw new ApiProblem(503, 'starting', 'The platform is starting; try again in a moment')
    return platform
  }
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  allowEmptyJson(app)
  app.setErrorHandler((error: FastifyError, _request, reply) => {
    const document = problemOf(error, options.log)
    return reply.code(document.status).type('application/problem+json').send(JSON.stringify(document))
  })
  app.setNotFoundHandler((request, reply) => {
    const { document } = new ApiProblem(
      404,
      'not-found',
      `There is nothing at ${request.method} ${request.url.split('?')[0]}`,
    )
    return reply.code(404).type('application/problem+json').send(JSON.stringify(document))
  })
  app.addHook('onRequest', async (request) => {
    if (request.routeOptions.config.scope !== undefined) await authorize(request, ready())
  })
  // Left out, sent empty or `{}`: all of them say nothing, and fastify would hand the schema a null.
  app.addHook('preValidation', async (request) => {
    if (request.method !== 'GET') request.body ??= {}
  })
  await app.register(fastifySwagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Offhook',
        version: '1',
        description: 'Provisioning of Cisco IP Phones with Multiplatform firmware',
      },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
      security: [{ token: [] }],
    },
    transform: jsonSchemaTransform,
    transformObject: jsonSchemaTransformObject,
  })
  await app.register((scope) => addRoutes(typedApi(scope), ready, options))
  await app.listen({ host: options.host, port: options.port })
  return { port: (app.server.address() as AddressInfo).port, close: () => app.close() }
}

/** Each noun's routes; the order is that of the readable page. */
const ROUTES: readonly ((api: Api, ready: ReadyPlatform) => void)[] = [
  accountRoutes,
  deviceRoutes,
  deviceConfigRoutes,
  featureRoutes,
  layerRoutes,
  batchRoutes,
  bulkRoutes,
  movingInRoutes,
  lintRoutes,
  actionRoutes,
  eventRoutes,
  reportRoutes,
  watchRoutes,
  firmwareRoutes,
  trustRoutes,
  certificateRoutes,
  rcRoutes,
  tokenRoutes,
  userRoutes,
  auditRoutes,
  webhookRoutes,
]

async function addRoutes(api: Api, ready: ReadyPlatform, options: ApiOptions): Promise<void> {
  healthRoutes(api, options.platform)
  for (const add of ROUTES) add(api, ready)
  api.get('/api/v1/openapi.json', { schema: { hide: true } }, () => api.swagger())
}

/** A POST without a body, but with the JSON content type, is what many clients send: it counts as no body. */
function allowEmptyJson(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined)
    else void parse(request, String(body), done)
  })
}

function problemOf(error: FastifyError, log: Logger): ProblemDocument {
  if (error instanceof ApiProblem) return error.document
  if (hasZodFastifySchemaValidationErrors(error)) {
    const problems = error.validation.map((issue) => ({
      code: 'not-valid',
      place: `${error.validationContext ?? 'body'}${issue.instancePath}`,
      message: issue.message ?? 'not valid',
    }))
    const first = problems[0]
    return new ApiProblem(422, 'not-valid', `${first?.place ?? 'body'}: ${first?.message ?? 'not valid'}`, problems)
      .document
  }
  const status = error.statusCode ?? 500
  if (status < 500) return new ApiProblem(status, error.code ?? 'bad-request', error.message).document
  log.error({ err: error }, 'an API request failed')
  return new ApiProblem(500, 'failed', 'The request failed here; the log says why').document
}
