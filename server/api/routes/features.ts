/** Features: what people say about phones, checked against the phones that are there before it is saved. */
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { FEATURE_KINDS, type FeatureBody, isHuntGroup, readFeature, sipHuntGroup } from '../../profiles/mod.ts'
import {
  changeFeature,
  createFeature,
  deleteFeature,
  FEATURES_PER_SCOPE_MAX,
  type FeatureOwner,
  featuresOfScope,
  findAccount,
  findFeature,
  linesOfUsers,
  listFeatures,
  lockFeatures,
  ownerOfScope,
  type Sql,
  type StoredFeature,
  type Vault,
} from '../../store/mod.ts'
import { actor } from '../auth.ts'
import type { Api, ApiPlatform, ReadyPlatform } from '../context.ts'
import {
  Feature,
  FeatureAssessment,
  FeatureCheckInput,
  FeatureInput,
  FeatureScopeInput,
  FeatureUpdate,
  HuntGroup,
} from '../contract/features.ts'
import { assessFeature, type Candidate } from '../feature-assessment.ts'
import { ApiProblem, notFound, type ProblemDocument } from '../problem.ts'
import { mustReachAccount, mustReachDevice, reachOf } from '../reach.ts'
import { PageQuery } from '../query.ts'

const FeatureParams = z.object({ id: z.string().max(128) })

/** Problems that are named in one answer. */
const PROBLEMS_MAX = 100
/** Hunt groups of one account that are handed out. */
const HUNT_GROUPS_MAX = 1000

export function featureRoutes(api: Api, ready: ReadyPlatform): void {
  readingRoutes(api, ready)
  creationRoute(api, ready)
  changeRoute(api, ready)
  deletionRoute(api, ready)
  checkRoute(api, ready)
  huntGroupRoute(api, ready)
}

function readingRoutes(api: Api, ready: ReadyPlatform): void {
  const Query = PageQuery.extend({
    accountId: z.string().max(128).optional(),
    scope: FeatureScopeInput.optional(),
    id: z.string().max(128).optional().describe('Of the scope: account id, batch id, or MAC as 12 hex digits'),
    kind: z.enum(FEATURE_KINDS).optional(),
  })
  api.get(
    '/api/v1/features',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'List features, oldest first',
        querystring: Query,
        response: { 200: z.object({ items: z.array(Feature), next: z.string().nullable() }) },
      },
    },
    async (request) => {
      const platform = ready()
      const { limit, after, accountId, scope, id, kind } = request.query
      const position = after === undefined ? undefined : positionOf(after)
      const filter = { reach: await reachOf(request, platform), accountId, scope, scopeId: id, kind, limit }
      const items = await listFeatures(platform.db, { ...filter, after: position })
      const last = items.length === limit ? items.at(-1) : undefined
      return { items: items.map(featureJson), next: last === undefined ? null : String(last.order) }
    },
  )
  api.get(
    '/api/v1/features/:id',
    {
      config: { scope: 'read' },
      schema: { summary: 'One feature', params: FeatureParams, response: { 200: Feature } },
    },
    async (request) => featureJson(await reachedFeature(request, ready(), request.params.id)),
  )
}

function positionOf(after: string): number {
  if (/^[0-9]{1,15}$/.test(after)) return Number(after)
  throw new ApiProblem(
    422,
    'bad-page',
    `"${after}" is no \`next\` of a page of features. Leave "after" out to begin anew.`,
  )
}

function creationRoute(api: Api, ready: ReadyPlatform): void {
  api.post(
    '/api/v1/features',
    {
      config: { scope: 'write' },
      schema: {
        summary: 'Say something about the phones of an account, a batch, or one phone',
        description:
          'What some of these phones cannot do, and what contradicts another feature, is a 422 with the problems, unless `acceptProblems` is true.',
        body: FeatureInput,
        response: { 201: Feature },
      },
    },
    async (request, reply) => {
      const platform = ready()
      const { scope, id, feature, acceptProblems, why } = request.body
      const body = bodyOf(feature)
      const owner = await reachedOwner(request, platform, scope, id)
      const made = await platform.change(async (tx) => {
        await lockFeatures(tx, owner)
        await refuseTooMany(tx, owner)
        await refuseProblems(tx, platform.vault, { owner, body, id: undefined, macs: [] }, acceptProblems)
        return createFeature(tx, owner, { who: actor(request), why, body })
      })
      return reply.code(201).send(featureJson(made))
    },
  )
}

function changeRoute(api: Api, ready: ReadyPlatform): void {
  api.put(
    '/api/v1/features/:id',
    {
      config: { scope: 'write' },
      schema: { summary: 'Change a feature', params: FeatureParams, body: FeatureUpdate, response: { 200: Feature } },
    },
    async (request) => {
      const platform = ready()
      const { feature, acceptProblems, why } = request.body
      const body = bodyOf(feature)
      const { id } = await reachedFeature(request, platform, request.params.id)
      const changed = await platform.change(async (tx) => {
        const stored = await lockedFeature(tx, id)
        await refuseProblems(tx, platform.vault, { owner: stored, body, id, macs: [] }, acceptProblems)
        return changeFeature(tx, stored, { who: actor(request), why, body })
      })
      return featureJson(changed)
    },
  )
}

function deletionRoute(api: Api, ready: ReadyPlatform): void {
  api.delete(
    '/api/v1/features/:id',
    {
      config: { scope: 'write' },
      schema: {
        summary: 'Take a feature back',
        params: FeatureParams,
        querystring: z.object({ why: z.string().max(500).optional() }),
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      const platform = ready()
      const { id } = await reachedFeature(request, platform, request.params.id)
      const change = { who: actor(request), why: request.query.why }
      await platform.change(async (tx) => deleteFeature(tx, await lockedFeature(tx, id), change))
      return reply.code(204).send(null)
    },
  )
}

function checkRoute(api: Api, ready: ReadyPlatform): void {
  api.post(
    '/api/v1/features/check',
    {
      config: { scope: 'write' },
      schema: {
        summary: 'What a feature would do, without saving it',
        description:
          'For each model in the scope, and each device that is named: the parameters, and what cannot be done.',
        body: FeatureCheckInput,
        response: { 200: FeatureAssessment },
      },
    },
    async (request) => {
      const platform = ready()
      const { scope, id, feature, replaces, macs } = request.body
      const body = bodyOf(feature)
      const owner = await reachedOwner(request, platform, scope, id)
      for (const mac of macs) await reachedOwner(request, platform, 'device', mac)
      return assessFeature(platform.db, platform.vault, { owner, body, id: replaces, macs })
    },
  )
}

function huntGroupRoute(api: Api, ready: ReadyPlatform): void {
  api.get(
    '/api/v1/accounts/:id/hunt-groups',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Its hunt groups as the PBX needs them: who rings, in which order',
        params: FeatureParams,
        response: { 200: z.object({ items: z.array(HuntGroup) }) },
      },
    },
    async (request) => {
      const platform = ready()
      const accountId = request.params.id
      await mustReachAccount(request, platform, accountId)
      if ((await findAccount(platform.db, accountId)) === undefined) throw notFound('account', accountId)
      const all = { reach: null, scope: undefined, scopeId: undefined, after: undefined, limit: HUNT_GROUPS_MAX }
      const features = await listFeatures(platform.db, { ...all, accountId, kind: 'hunt-group' })
      const groups = features.filter((each) => isHuntGroup(each))
      const users = [...new Set(groups.flatMap(({ body }) => body.members))]
      const lines = await linesOfUsers(platform.db, accountId, users)
      return {
        items: groups.map((group) => {
          const { members, ...rest } = sipHuntGroup(group, accountId, lines)
          return { ...rest, members: [...members] }
        }),
      }
    },
  )
}

/** Every fault of the feature itself, told at once. */
function bodyOf(input: unknown): FeatureBody {
  const read = readFeature(input)
  if (read.ok) return read.value
  const first = read.error[0]
  throw new ApiProblem(
    422,
    'bad-feature',
    `Cannot read the feature: ${first?.message ?? 'not valid'}. ${first?.advice ?? ''}`.trim(),
    read.error.map(({ code, element, message, advice }) => ({ code, place: element, message, advice })),
  )
}

/** Whose the scope is; 404 when there is none or it is out of reach, 409 for a device of nobody. */
async function reachedOwner(
  request: FastifyRequest,
  platform: ApiPlatform,
  scope: FeatureOwner['scope'],
  id: string,
): Promise<FeatureOwner> {
  const owner = await ownerOfScope(platform.db, scope, id)
  if (owner === undefined) throw notFound(scope, id)
  const { accountId, scopeId } = owner
  if (scope === 'device') await mustReachDevice(request, platform, scopeId, accountId)
  else if (!(await reaches(request, platform, accountId))) throw notFound(scope, id)
  if (accountId === null) {
    throw new ApiProblem(
      409,
      'device-of-nobody',
      `Cannot give ${scopeId} a feature: it belongs to no account. Bind it, or name an account.`,
    )
  }
  return { accountId, scope, scopeId }
}

async function reaches(request: FastifyRequest, platform: ApiPlatform, accountId: string | null): Promise<boolean> {
  const reach = await reachOf(request, platform)
  return reach === null || (accountId !== null && reach.includes(accountId))
}

async function reachedFeature(request: FastifyRequest, platform: ApiPlatform, id: string): Promise<StoredFeature> {
  const feature = await findFeature(platform.db, id)
  if (feature === undefined || !(await reaches(request, platform, feature.accountId))) throw notFound('feature', id)
  return feature
}

/** The feature as it is once nobody else can change its scope. */
async function lockedFeature(tx: Sql, id: string): Promise<StoredFeature> {
  const before = await findFeature(tx, id)
  if (before !== undefined) await lockFeatures(tx, before)
  const feature = await findFeature(tx, id)
  if (feature === undefined) throw notFound('feature', id)
  return feature
}

async function refuseTooMany(tx: Sql, owner: FeatureOwner): Promise<void> {
  const { length } = await featuresOfScope(tx, owner)
  if (length < FEATURES_PER_SCOPE_MAX) return
  throw new ApiProblem(
    409,
    'too-many',
    `Cannot add a feature: the ${owner.scope} "${owner.scopeId}" has ${length}, the most there may be. Delete one, or use a layer.`,
  )
}

async function refuseProblems(tx: Sql, vault: Vault, candidate: Candidate, accepted: boolean): Promise<void> {
  if (accepted) return
  const { problems } = await assessFeature(tx, vault, candidate)
  const first = problems[0]
  if (first === undefined) return
  const listed: ProblemDocument['problems'] = problems
    .slice(0, PROBLEMS_MAX)
    .map(({ code, element, message, advice }) => ({ code, place: element, message, advice }))
  throw new ApiProblem(
    422,
    first.code,
    `Cannot save the feature: ${first.message}. ${first.advice} Or send "acceptProblems": true.`,
    listed,
  )
}

function featureJson(feature: StoredFeature): z.infer<typeof Feature> {
  const { id, scope, scopeId, accountId, revisionId, body, createdAt, updatedAt } = feature
  return {
    id,
    scope,
    scopeId,
    accountId,
    kind: body.kind,
    feature: { ...body },
    revisionId,
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
  }
}
