/** Problem reports: listed, downloaded by who may see secrets, deleted. */
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import {
  deleteProblemReport,
  findProblemReport,
  listProblemReports,
  openProblemReport,
  problemReportFolder,
  problemReportPath,
  recordRevision,
  type StoredProblemReport,
} from '../../store/mod.ts'
import { rm } from 'node:fs/promises'
import { actor } from '../auth.ts'
import type { Api, ApiPlatform, ReadyPlatform } from '../context.ts'
import { Mac } from '../contract.ts'
import { ProblemReport } from '../contract/reports.ts'
import { ApiProblem, notFound } from '../problem.ts'
import { reachOf } from '../reach.ts'
import { isoTime, reachedFacts } from './reports.ts'

const DAY_MS = 86_400_000
const Params = z.object({ id: z.string().regex(/^prt_[0-9a-f]{32}$/, 'must be the `id` of a problem report') })

export function problemReportRoutes(api: Api, ready: ReadyPlatform): void {
  api.get(
    '/api/v1/devices/:mac/problem-reports',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Problem reports that it sent, newest first; the last 10 are kept',
        params: z.object({ mac: Mac }),
        response: { 200: z.object({ items: z.array(ProblemReport), next: z.null() }) },
      },
    },
    async (request) => {
      const platform = ready()
      const { device } = await reachedFacts(request, platform, request.params.mac)
      const items = await listProblemReports(platform.db, device.mac, device.accountId)
      return { items: items.map((report) => reportJson(platform, report)), next: null }
    },
  )
  downloadRoute(api, ready)
  deleteRoute(api, ready)
}

function downloadRoute(api: Api, ready: ReadyPlatform): void {
  api.get(
    '/api/v1/problem-reports/:id/file',
    {
      // It may hold what customers typed and whom they called.
      config: { scope: 'secrets' },
      schema: {
        summary: 'The archive (tar.gz), as the phone sent it',
        params: Params,
        response: { 200: z.any().describe('application/gzip') },
      },
    },
    async (request, reply) => {
      const platform = ready()
      const report = await existingReport(request, platform, request.params.id)
      const bytes = await openProblemReport(problemReportFolder(platform.settings.dataDir), report.id)
      if (bytes === undefined) {
        throw new ApiProblem(
          404,
          'not-here',
          `The file of problem report "${report.id}" is not in this server's data directory; ask the server that took it, or delete the report`,
        )
      }
      await platform.change((sql) =>
        recordRevision(sql, {
          who: actor(request),
          scope: 'device',
          target: report.mac,
          what: 'problem report downloaded',
          after: { id: report.id },
        }),
      )
      return reply
        .type('application/gzip')
        .header('content-disposition', `attachment; filename="${report.name}"`)
        .header('content-length', report.byteCount)
        .header('x-content-type-options', 'nosniff')
        .send(bytes)
    },
  )
}

function deleteRoute(api: Api, ready: ReadyPlatform): void {
  api.delete(
    '/api/v1/problem-reports/:id',
    {
      config: { scope: 'write' },
      schema: { summary: 'Delete a problem report and its file', params: Params, response: { 204: z.null() } },
    },
    async (request, reply) => {
      const platform = ready()
      const report = await existingReport(request, platform, request.params.id)
      await platform.change(async (sql) => {
        await deleteProblemReport(sql, report.id)
        await recordRevision(sql, {
          who: actor(request),
          scope: 'device',
          target: report.mac,
          what: 'problem report deleted',
          before: { id: report.id, name: report.name },
        })
      })
      await rm(problemReportPath(problemReportFolder(platform.settings.dataDir), report.id), { force: true })
      return reply.code(204).send(null)
    },
  )
}

async function existingReport(
  request: FastifyRequest,
  platform: ApiPlatform,
  id: string,
): Promise<StoredProblemReport> {
  const report = await findProblemReport(platform.db, id)
  const reach = await reachOf(request, platform)
  // Not the words of a device that is not there: they would say whose report it is.
  const isReached = reach === null || reach.includes(report?.accountId ?? '')
  if (report === undefined || !isReached) throw notFound('problem report', id)
  return report
}

function reportJson(platform: ApiPlatform, report: StoredProblemReport): z.infer<typeof ProblemReport> {
  const { accountId: _accountId, at, ...rest } = report
  const keptUntil = at.getTime() + platform.settings.problemReportDays * DAY_MS
  return { ...rest, at: at.toISOString(), keptUntil: isoTime(keptUntil) }
}
