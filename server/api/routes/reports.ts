import { z } from 'zod'
import { listReports } from '../../store/mod.ts'
import type { Api, ReadyPlatform } from '../context.ts'
import { Mac, Report } from '../contract.ts'

const DeviceParams = z.object({ mac: Mac })

export function reportRoutes(api: Api, ready: ReadyPlatform): void {
  api.get(
    '/api/v1/devices/:mac/reports',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Reports it sent',
        params: DeviceParams,
        response: { 200: z.object({ items: z.array(Report) }) },
      },
    },
    async (request) => {
      const items = await listReports(ready().db, request.params.mac)
      return { items: items.map((report) => ({ ...report, at: report.at.toISOString() })) }
    },
  )
}
