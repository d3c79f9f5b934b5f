/** The API door: it listens first and answers 503 until the platform stands. */
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Readable } from 'node:stream'
import fastify, { type FastifyError, type FastifyInstance, type FastifyReply } from 'fastify'
import { hasZodFastifySchemaValidationErrors, serializerCompiler } from 'fastify-type-provider-zod'
import type { Logger } from 'pino'
import { type Api, type ApiPlatform, currentRequest, type ReadyPlatform, typedApi } from './context.ts'
import { createAuthorizer } from './auth.ts'
import { addDocuments } from './documents.ts'
import { addIdempotency, rememberingChange } from './idempotency.ts'
import { databaseProblem } from './database-away.ts'
import { ApiProblem, refusedBefore } from './problem.ts'
import { refuseUnusable } from './plain-input.ts'
import { forgetsReach, forgottenReach } from './reach.ts'
import { accountRoutes } from './routes/accounts.ts'
import { actionRoutes } from './routes/actions.ts'
import { auditRoutes } from './routes/audit.ts'
import { batchRoutes } from './routes/batches.ts'
import { bulkRoutes } from './routes/bulk.ts'
import { certificateRoutes } from './routes/certificates.ts'
import { dhcpRoutes } from './routes/dhcp.ts'
import { deviceConfigRoutes } from './routes/device-config.ts'
import { deviceRoutes } from './routes/devices.ts'
import { eventRoutes } from './routes/events.ts'
import { featureRoutes } from './routes/features.ts'
import { firmwareRoutes } from './routes/firmware.ts'
import { healthRoutes } from './routes/health.ts'
import { keypadRoutes } from './routes/keypad.ts'
import { layerRoutes } from './routes/layers.ts'
import { lintRoutes } from './routes/lint.ts'
import { movingInRoutes } from './routes/moving-in.ts'
import { rcRoutes } from './routes/rc.ts'
import { reportRoutes } from './routes/reports.ts'
import { stagingRoutes } from './routes/staging.ts'
import { tokenRoutes } from './routes/tokens.ts'
import { tr069Routes } from './routes/tr069.ts'
import { trustRoutes } from './routes/trust.ts'
import { userRoutes } from './routes/users.ts'
import { watchRoutes } from './routes/watch.ts'
import { webhookRoutes } from './routes/webhooks.ts'
import { refuseAnyField, strictValidatorCompiler } from './unknown-fields.ts'

/** Bytes of a JSON body; firmware has its own bound. */
const BODY_BYTES_MAX = 2 * 1024 * 1024
/** Wrong tokens of one peer within a minute. */
const WRONG_TOKENS_MAX = 600
/** How long requests under way may go on when the door closes. */
const CLOSE_WAIT_MS = 3_000

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
  readonly wrongTokensMax?: number
}

export async function listenApi(options: ApiOptions): Promise<ApiDoor> {
  const app = fastify({
    bodyLimit: BODY_BYTES_MAX,
    forceCloseConnections: 'idle',
    logger: false,
    // Of the router, which answers before the handler of errors is asked.
    frameworkErrors: ({ statusCode, code, message }, _request, reply: FastifyReply) => {
      const { document } = refusedBefore(statusCode ?? 400, code, message)
      void reply.code(document.status).type('application/problem+json').send(JSON.stringify(document))
    },
  })
  const ready = readyPlatform(options)
  app.setValidatorCompiler(strictValidatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  allowEmptyJson(app)
  answerProblems(app, options.log)
  addHooks(app, ready, options)
  await addDocuments(app)
  await app.register((scope) => addRoutes(typedApi(scope), ready, options))
  await app.listen({ host: options.host, port: options.port })
  return { port: (app.server.address() as AddressInfo).port, close: () => closeSoon(app) }
}

/** A browser opens connections ahead of any request, and those do not count as idle: the end does not wait for them. */
async function closeSoon(app: FastifyInstance): Promise<void> {
  const enough = setTimeout(() => app.server.closeAllConnections(), CLOSE_WAIT_MS)
  try {
    await app.close()
  } finally {
    clearTimeout(enough)
  }
}

/** The platform as the routes see it: its `change` remembers what requests with an Idempotency-Key did. */
function readyPlatform(options: ApiOptions): ReadyPlatform {
  const seen = new WeakMap<ApiPlatform, ApiPlatform>()
  return () => {
    const platform = options.platform()
    if (platform === undefined)
      throw new ApiProblem(503, 'starting', 'The platform is starting; try again in a moment', undefined, 1)
    const before = seen.get(platform)
    if (before !== undefined) return before
    const remembering = rememberingChange(platform)
    const change: ApiPlatform['change'] = async (work) => {
      const request = currentRequest.getStore()
      if (request !== undefined && forgetsReach(request)) throw forgottenReach()
      return remembering(work)
    }
    const wrapped: ApiPlatform = Object.assign(Object.create(platform) as ApiPlatform, { change })
    seen.set(platform, wrapped)
    return wrapped
  }
}

function addHooks(app: FastifyInstance, ready: ReadyPlatform, options: ApiOptions): void {
  const auth = createAuthorizer({ wrongMax: options.wrongTokensMax ?? WRONG_TOKENS_MAX, ready, log: options.log })
  app.addHook('onClose', () => auth.close())
  app.addHook('onRequest', async (request) => {
    if (request.routeOptions.config.scope !== undefined) await auth.authorize(request, ready())
  })
  app.addHook('preValidation', async (request) => {
    // Left out, sent empty or `{}`: all of them say nothing, and fastify would hand the schema a null.
    if (request.method !== 'GET') request.body ??= {}
    refuseUnusable(request)
    const { schema, url } = request.routeOptions
    if (url?.startsWith('/api/v1/') !== true) return
    if (schema?.querystring === undefined) refuseAnyField('query', request.query)
    if (schema?.body === undefined && schema?.consumes === undefined) refuseAnyField('body', request.body)
  })
  // Before answers are kept for repetitions, so that what must not be seen is not kept either.
  app.addHook('onSend', async (request, reply, payload) => {
    if (reply.statusCode >= 400 || !forgetsReach(request)) return payload
    if (typeof payload === 'object' && payload !== null && 'destroy' in payload) (payload as Readable).destroy()
    reply.code(403).type('application/problem+json').removeHeader('content-length')
    return JSON.stringify(forgottenReach().document)
  })
  addIdempotency(app, ready, options.log)
  app.addHook('preHandler', (request, _reply, done) => currentRequest.run(request, done))
}

function answerProblems(app: FastifyInstance, log: Logger): void {
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const { document, retryAfterSeconds } = problemOf(error, log)
    if (retryAfterSeconds !== undefined) reply.header('retry-after', String(retryAfterSeconds))
    // What is left of the body would be read as the next request of this connection, or keep it waiting.
    if (hasUnreadBody(request.raw)) reply.header('connection', 'close')
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
}

/** Each noun's routes; the order is that of the readable page. */
const ROUTES: readonly ((api: Api, ready: ReadyPlatform) => void)[] = [
  accountRoutes,
  keypadRoutes,
  deviceRoutes,
  deviceConfigRoutes,
  featureRoutes,
  layerRoutes,
  batchRoutes,
  stagingRoutes,
  bulkRoutes,
  movingInRoutes,
  lintRoutes,
  dhcpRoutes,
  actionRoutes,
  tr069Routes,
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

function hasUnreadBody({ headers, readableEnded }: IncomingMessage): boolean {
  const announced = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
  return announced && !readableEnded
}

/** A POST without a body, but with the JSON content type, is what many clients send: it counts as no body. */
function allowEmptyJson(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined)
    else void parse(request, String(body), done)
  })
}

function problemOf(error: FastifyError, log: Logger): ApiProblem {
  if (error instanceof ApiProblem) return error
  if (hasZodFastifySchemaValidationErrors(error)) {
    const problems = error.validation.map((issue) => ({
      code: 'not-valid',
      place: `${error.validationContext ?? 'body'}${issue.instancePath}`,
      message: issue.message ?? 'not valid',
    }))
    const first = problems[0]
    return new ApiProblem(422, 'not-valid', `${first?.place ?? 'body'}: ${first?.message ?? 'not valid'}`, problems)
  }
  const status = error.statusCode ?? 500
  if (status < 500) return refusedBefore(status, error.code, error.message)
  if (error.name === 'DatabaseBusy')
    return new ApiProblem(503, 'busy', 'The database has more to do than it can; try again in a moment', undefined, 1)
  const byDatabase = databaseProblem(error)
  if (byDatabase !== undefined) {
    log.warn({ event: 'database-away', reason: error.message }, 'an API request met a database that does not answer')
    return byDatabase
  }
  log.error({ err: error }, 'an API request failed')
  return new ApiProblem(500, 'failed', 'The request failed here; the log says why')
}
