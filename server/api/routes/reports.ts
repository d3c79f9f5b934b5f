/** What phones say of themselves: reports one by one, all of them together, and where that differs from what is wanted. */
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { MacAddress } from '../../../protocol/identity.ts'
import { catalogue, writeProfile } from '../../../protocol/profile/mod.ts'
import { maskRule } from '../../../protocol/rule/mod.ts'
import type { DeviceFacts } from '../../devices/mod.ts'
import { readReport, type ReportContent } from '../../fetch/mod.ts'
import { findReport, findReported, listReports, recordReveal, type StoredReport } from '../../store/mod.ts'
import { actor, requireScope } from '../auth.ts'
import type { Api, ApiPlatform, ReadyPlatform } from '../context.ts'
import { Mac } from '../contract.ts'
import { Report, ReportDetail, Reported } from '../contract/reports.ts'
import { existingFacts } from '../existing.ts'
import { notFound } from '../problem.ts'
import { Reveal } from '../query.ts'
import { mustReachDevice } from '../reach.ts'
import { driftRoutes } from './drift.ts'
import { problemReportRoutes } from './problem-reports.ts'

const DeviceParams = z.object({ mac: Mac })
const ReportParams = DeviceParams.extend({ id: z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER) })

export function reportRoutes(api: Api, ready: ReadyPlatform): void {
  listRoute(api, ready)
  oneRoute(api, ready)
  reportedRoute(api, ready)
  driftRoutes(api, ready)
  problemReportRoutes(api, ready)
}

/** A device that this token reaches. */
export async function reachedFacts(
  request: FastifyRequest,
  platform: ApiPlatform,
  mac: MacAddress,
): Promise<DeviceFacts> {
  const facts = await existingFacts(platform, mac)
  const { accountId, heldAccountId } = facts.device
  await mustReachDevice(request, platform, mac, accountId ?? heldAccountId)
  return facts
}

function listRoute(api: Api, ready: ReadyPlatform): void {
  api.get(
    '/api/v1/devices/:mac/reports',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Reports it sent, newest first; the last 20 are kept',
        params: DeviceParams,
        response: { 200: z.object({ items: z.array(Report), next: z.null() }) },
      },
    },
    async (request) => {
      const { device } = await reachedFacts(request, ready(), request.params.mac)
      const items = await listReports(ready().db, device.mac, device.accountId)
      return { items: items.map(reportJson), next: null }
    },
  )
}

function oneRoute(api: Api, ready: ReadyPlatform): void {
  const Query = Reveal.extend({ format: z.enum(['json', 'xml']).default('json') })
  api.get(
    '/api/v1/devices/:mac/reports/:id',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'What one report says; `format=xml` with `reveal=true` gives it as the phone wrote it',
        params: ReportParams,
        querystring: Query,
        response: { 200: ReportDetail },
      },
    },
    async (request, reply) => {
      const platform = ready()
      const { reveal, format } = request.query
      if (reveal) requireScope(request, 'secrets')
      const { device } = await reachedFacts(request, platform, request.params.mac)
      const { id } = request.params
      const report = await findReport(platform.db, platform.vault, device.mac, device.accountId, id)
      if (report === undefined) throw notFound(`report of ${device.mac}`, String(id))
      if (reveal) await recordReveal(platform.db, actor(request), 'device', device.mac)
      const content = readReport(new TextEncoder().encode(report.text), device.model)
      const json = detailJson(report, content, reveal)
      if (format === 'json') return json
      const xml = reveal || content.kind === 'status' ? report.text : maskedXml(content)
      // The serializer is for JSON; text that is sent as it is goes past it.
      return reply
        .type('text/xml; charset=utf-8')
        .serializer(() => xml)
        .send(json)
    },
  )
}

function reportedRoute(api: Api, ready: ReadyPlatform): void {
  api.get(
    '/api/v1/devices/:mac/reported',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'What it says of itself: its last full report with the deltas since',
        params: DeviceParams,
        querystring: Reveal,
        response: { 200: Reported },
      },
    },
    async (request) => {
      const platform = ready()
      const { reveal } = request.query
      if (reveal) requireScope(request, 'secrets')
      const { device } = await reachedFacts(request, platform, request.params.mac)
      const reported = await findReported(platform.db, platform.vault, device.mac, device.accountId)
      if (reported === undefined) return { at: null, fullAt: null, parameters: {} }
      if (reveal) await recordReveal(platform.db, actor(request), 'device', device.mac)
      const parameters = [...reported.values].map(([name, { value, ua, at }]) => [
        name,
        { ...shownValue(name, value, reveal), ua: ua ?? null, since: isoTime(at) },
      ])
      return {
        at: isoTime(reported.at),
        fullAt: reported.fullAt === undefined ? null : isoTime(reported.fullAt),
        parameters: Object.fromEntries(parameters),
      }
    },
  )
}

export function isoTime(at: number): string {
  return new Date(at).toISOString()
}

function reportJson(report: StoredReport): z.infer<typeof Report> {
  return { ...report, at: report.at.toISOString() }
}

function detailJson(
  report: StoredReport & { readonly text: string },
  { elements, fields, lines }: ReportContent,
  reveal: boolean,
): z.infer<typeof ReportDetail> {
  const { text: _text, ...rest } = report
  return {
    ...reportJson(rest),
    lines: lines.map(({ line, userId, state }) => ({ line, userId: userId ?? null, state: state ?? null })),
    status: Object.fromEntries(fields),
    parameters: Object.fromEntries(
      elements.map(({ name, value, ua }) => [name, { ...shownValue(name, value, reveal), ua: ua ?? null }]),
    ),
  }
}

/** A secret is null unless revealed; of a rule with a key in it only the key is hidden. */
export function shownValue(
  element: string,
  value: string,
  reveal: boolean,
): { readonly value: string | null; readonly secret?: true } {
  const row = catalogue.find(element)
  // A name that the catalogue lacks may still say what it holds.
  const secret = row?.secret ?? /passw|pwd|secret|passphrase|_key_?$/i.test(element)
  if (secret) return { value: reveal ? value : null, secret: true }
  const masked = /--\s*(?:key|pwd)|:\/\/[^/\s]*@/i.test(value) ? maskRule(value, ruleKind(element)) : value
  return masked === value ? { value } : { value: reveal ? value : masked, secret: true }
}

function ruleKind(element: string): 'profile' | 'report' {
  return element === 'Report_Rule' ? 'report' : 'profile'
}

/** The report without what is not revealed: importing it leaves the phone's own values alone. */
function maskedXml({ elements }: ReportContent): string {
  const shown = elements.filter(({ name, value }) => shownValue(name, value, false).secret !== true)
  return writeProfile({
    elements: shown.map(({ name, value, ua }) => ({
      name,
      value,
      form: 'text',
      preserveValue: false,
      ...(ua === undefined ? {} : { ua }),
    })),
  })
}
