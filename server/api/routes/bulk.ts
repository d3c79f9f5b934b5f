/** Imports, all or nothing, and exports that import again. */
import { Readable } from 'node:stream'
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { noteImport, recordReveal } from '../../store/mod.ts'
import { actor, requireScope } from '../auth.ts'
import { importAccounts } from '../bulk/accounts.ts'
import { ACCOUNT_COLUMNS, DEVICE_COLUMNS, LINE_COLUMNS } from '../bulk/columns.ts'
import { importDevices } from '../bulk/devices.ts'
import { type BulkNoun, exportText } from '../bulk/export.ts'
import { type Import, type Imported, NOTHING, Overtaken } from '../bulk/importing.ts'
import { importLines } from '../bulk/lines.ts'
import { notUtf8, readCsv, readItems, refuseNotUtf8 } from '../bulk/read.ts'
import { type Column, Problems, type Row } from '../bulk/row.ts'
import type { Api, ApiPlatform, ReadyPlatform } from '../context.ts'
import { ExportQuery, ImportQuery, ImportReport } from '../contract/bulk.ts'
import { changeOrRollBack } from '../dry-run.ts'
import { ApiProblem } from '../problem.ts'
import { reachOf } from '../reach.ts'

/** Bytes of one file: about 300 a row. */
const FILE_BYTES_MAX = 32 * 1024 * 1024

interface Noun {
  readonly columns: readonly Column[]
  readonly carryOut: (work: Import) => Promise<Imported>
}

const NOUNS: Readonly<Record<BulkNoun, Noun>> = {
  accounts: { columns: ACCOUNT_COLUMNS, carryOut: importAccounts },
  lines: { columns: LINE_COLUMNS, carryOut: importLines },
  devices: { columns: DEVICE_COLUMNS, carryOut: importDevices },
}

export function bulkRoutes(api: Api, ready: ReadyPlatform): void {
  api.addContentTypeParser('text/csv', { parseAs: 'string', bodyLimit: FILE_BYTES_MAX }, (_request, body, done) =>
    // UTF-16 as spreadsheets save "Unicode text", and workbooks themselves.
    body.includes('\0') ? done(notUtf8()) : done(null, body),
  )
  for (const name of Object.keys(NOUNS) as BulkNoun[]) {
    importRoute(api, ready, name)
    exportRoute(api, ready, name)
  }
}

function importRoute(api: Api, ready: ReadyPlatform, name: BulkNoun): void {
  const columns = NOUNS[name].columns.map((column) => `\`${column.name}\` (${column.expected})`)
  api.post(
    `/api/v1/import/${name}`,
    {
      config: { scope: 'write' },
      bodyLimit: FILE_BYTES_MAX,
      schema: {
        summary: `Import ${name} from CSV or JSON items: all of them or none`,
        description: `The first line names the columns; case, spaces and underscores do not matter. Columns: ${columns.join('; ')}.`,
        consumes: ['text/csv', 'application/json'],
        querystring: ImportQuery,
        response: { 200: ImportReport },
      },
    },
    async (request) => {
      const platform = ready()
      const problems = new Problems()
      const rows = await rowsOf(request.body, NOUNS[name].columns, problems)
      const done = await carryOut(request, platform, { name, rows, problems, ...request.query })
      const report = reportOf(name, request.query, rows, problems, done)
      if (!report.ok && !report.dryRun) throw refusal(report)
      return report
    },
  )
}

async function rowsOf(body: unknown, columns: readonly Column[], problems: Problems): Promise<readonly Row[]> {
  if (typeof body === 'string') {
    refuseNotUtf8(body)
    return readCsv(body, columns, problems)
  }
  const items: unknown = (body as { readonly items?: unknown } | undefined)?.items
  if (Array.isArray(items)) return readItems(items as readonly unknown[], columns, problems)
  throw new ApiProblem(
    415,
    'no-rows',
    'Send CSV with content-type text/csv, or {"items": [...]} with content-type application/json',
  )
}

interface Wanted {
  readonly name: BulkNoun
  readonly rows: readonly Row[]
  readonly problems: Problems
  readonly dryRun: boolean
  readonly mode: 'create' | 'upsert'
}

async function carryOut(request: FastifyRequest, platform: ApiPlatform, wanted: Wanted): Promise<Imported> {
  const { name, rows, problems, dryRun, mode } = wanted
  const reach = await reachOf(request, platform)
  const who = actor(request)
  const before = { count: problems.count, listed: problems.listed.length }
  try {
    return await changeOrRollBack(platform, async (sql) => {
      // A transaction that is tried again finds its problems again.
      problems.listed.length = before.listed
      problems.count = before.count
      const found = await NOUNS[name].carryOut({ sql, vault: platform.vault, who, reach, mode, rows, problems })
      if (problems.count > 0) return { found: NOTHING, keep: false }
      const { made, changed, ...counts } = found
      await noteImport(sql, who, name, counts, { made, changed })
      return dryRun ? { found, keep: false } : { found: { ...NOTHING, ...counts }, keep: true }
    })
  } catch (error) {
    if (!(error instanceof Overtaken)) throw error
    throw new ApiProblem(409, 'overtaken', `Nothing was imported: ${error.message}. Import it again.`)
  }
}

function reportOf(
  noun: BulkNoun,
  { dryRun, mode }: Pick<Wanted, 'dryRun' | 'mode'>,
  rows: readonly Row[],
  problems: Problems,
  { created, updated, unchanged }: Imported,
): z.infer<typeof ImportReport> {
  return {
    noun,
    mode,
    dryRun,
    ok: problems.count === 0,
    rows: rows.length,
    created,
    updated,
    unchanged,
    problemCount: problems.count,
    problems: [...problems.listed].toSorted((a, b) => a.line - b.line),
  }
}

function refusal({ noun, rows, problemCount, problems }: z.infer<typeof ImportReport>): ApiProblem {
  const [first] = problems
  const where = first === undefined ? '' : ` First, line ${first.line}: ${first.message}; expected ${first.expected}.`
  return new ApiProblem(
    422,
    'import-refused',
    `Nothing was imported: ${problemCount} problem(s) in ${rows} row(s) of ${noun}.${where} Correct the file and import it again.`,
    problems.map(({ line, column, code, message, expected }) => ({
      code,
      place: column === null ? `line ${line}` : `line ${line}, column ${column}`,
      message,
      advice: `Expected: ${expected}`,
    })),
  )
}

function exportRoute(api: Api, ready: ReadyPlatform, noun: BulkNoun): void {
  api.get(
    `/api/v1/export/${noun}`,
    {
      config: { scope: 'read' },
      schema: {
        summary: `Export ${noun} within reach as CSV or JSON items, in the form that an import takes`,
        description:
          'In CSV an apostrophe stands before cells that a spreadsheet would run as a formula; an import takes it away again.',
        produces: ['text/csv', 'application/json'],
        querystring: ExportQuery,
        response: { 200: z.string() },
      },
    },
    async (request, reply) => {
      const platform = ready()
      const { format, reveal } = request.query
      if (reveal) requireScope(request, 'secrets')
      const reach = await reachOf(request, platform)
      if (reveal) await recordReveal(platform.db, actor(request), 'account', request.token?.accountId ?? '*')
      const text = Readable.from(exportText(platform, { noun, format, reach, reveal }))
      reply.header('content-disposition', `attachment; filename="${noun}.${format}"`)
      reply.type(format === 'csv' ? 'text/csv; charset=utf-8' : 'application/json; charset=utf-8')
      // The serializer is for JSON; a stream goes past it.
      return reply.send(text as unknown as string)
    },
  )
}
