/** The shapes of what phones say: reports, drift, problem reports. */
import { z } from 'zod'

export const Report = z
  .object({
    id: z.int(),
    at: z.string(),
    kind: z.enum(['full', 'delta', 'status', 'unknown']),
    trust: z.string().describe('`claimed`: kept, but nothing follows from it'),
    peer: z.string(),
    byteCount: z.int(),
    firmware: z.string().nullable(),
    problem: z.string().nullable().describe('Why it could not be read'),
  })
  .meta({ id: 'Report' })

const ReportedParameter = z.object({
  value: z.string().nullable().describe('null: a secret that was not revealed'),
  ua: z.string().nullable(),
  secret: z.literal(true).optional(),
})

export const ReportDetail = Report.extend({
  lines: z.array(z.object({ line: z.int(), userId: z.string().nullable(), state: z.string().nullable() })),
  status: z.record(z.string(), z.string()).describe('Fields of a status report'),
  parameters: z.record(z.string(), ReportedParameter),
}).meta({ id: 'ReportDetail' })

export const Reported = z
  .object({
    at: z.string().nullable().describe('Of the newest report; null before the first'),
    fullAt: z.string().nullable().describe('null: only deltas came, so what they do not name is not known'),
    parameters: z.record(z.string(), ReportedParameter.extend({ since: z.string() })),
  })
  .meta({ id: 'Reported' })

export const DriftItem = z
  .object({
    element: z.string(),
    reported: z.string().nullable().describe('null: not told, or a secret'),
    wanted: z.string().nullable().describe('null: a secret'),
    secret: z.literal(true).optional(),
    since: z.string().describe('When a report first told this value'),
    reason: z.string(),
    text: z.string(),
    advice: z.string(),
    allowed: z.boolean().describe('The profile leaves it to the phone or its user; not counted'),
  })
  .meta({ id: 'Drift' })

export const DeviceDrift = z
  .object({
    reportedAt: z.string().nullable(),
    fullReportAt: z.string().nullable(),
    runs: z.enum(['wanted', 'another', 'unknown']).describe('Version of its profile, as the phone last said'),
    count: z.int(),
    items: z.array(DriftItem),
  })
  .meta({ id: 'DeviceDrift' })

export const DriftingDevice = z
  .object({
    mac: z.string(),
    accountId: z.string().nullable(),
    model: z.string(),
    count: z.int(),
    elements: z.array(z.string()).describe('Some of them'),
    since: z.string().nullable().describe('Of the oldest difference'),
    reportedAt: z.string(),
  })
  .meta({ id: 'DriftingDevice' })

export const ProblemReport = z
  .object({
    id: z.string(),
    mac: z.string(),
    at: z.string(),
    name: z.string(),
    byteCount: z.int(),
    sha256: z.string(),
    trust: z.string(),
    peer: z.string(),
    keptUntil: z.string(),
  })
  .meta({ id: 'ProblemReport' })
