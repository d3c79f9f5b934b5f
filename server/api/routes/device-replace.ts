/** A phone takes the place of another. */
import { z } from 'zod'
import { featureProblems } from '../../profiles/features/mod.ts'
import {
  type Replacement,
  replaceDevice,
  type ReplaceOptions,
  type ReplaceProblem,
  type ReplaceReport as Report,
} from '../../store/mod.ts'
import type { Result } from '../../../protocol/result.ts'
import { actor } from '../auth.ts'
import type { Api, ApiPlatform, ReadyPlatform } from '../context.ts'
import { Mac } from '../contract.ts'
import { ReplaceInput, ReplaceReport } from '../contract/devices.ts'
import { reachableDevice } from '../device-json.ts'
import { changeOrRollBack } from '../dry-run.ts'
import { ApiProblem, notFound } from '../problem.ts'

const DeviceParams = z.object({ mac: Mac })

export function replaceRoute(api: Api, ready: ReadyPlatform): void {
  api.post(
    '/api/v1/devices/:mac/replace',
    {
      config: { scope: 'write' },
      schema: {
        summary: 'Give the place of a phone to another: lines, layer, features and batch move',
        params: DeviceParams,
        body: ReplaceInput,
        response: { 200: ReplaceReport },
      },
    },
    async (request) => {
      const platform = ready()
      const { mac } = request.params
      await reachableDevice(request, platform, mac)
      const { dryRun, force, ...to } = request.body
      const done = await carryOut(platform, actor(request), { mac, to }, { force, featureProblems, dryRun })
      if (!done.ok) throw replaceProblem({ mac, to }, done.error)
      return reportJson({ mac, to }, dryRun, done.value)
    },
  )
}

function carryOut(
  platform: ApiPlatform,
  who: string,
  replacement: Replacement,
  options: ReplaceOptions & { readonly dryRun: boolean },
): Promise<Result<Report, ReplaceProblem>> {
  return changeOrRollBack(platform, async (tx) => {
    const found = await replaceDevice(tx, platform.vault, who, replacement, options)
    return { found, keep: !options.dryRun }
  })
}

function reportJson({ mac, to }: Replacement, dryRun: boolean, report: Report): z.infer<typeof ReplaceReport> {
  return {
    mac,
    to: { ...to },
    dryRun,
    moves: {
      lines: [...report.lines],
      layerElements: [...report.layerElements],
      features: [...report.features],
      batchId: report.batchId,
    },
    droppedLines: [...report.droppedLines],
    problems: report.notices.map(({ code, element, message, advice }) => ({ code, element, message, advice })),
    old: { ...report.old },
    new: { state: 'known', keys: 'issued when it proves itself with its own certificate' },
  }
}

function replaceProblem({ mac, to }: Replacement, problem: ReplaceProblem): ApiProblem {
  const what = `Cannot replace ${mac} by ${to.mac}`
  switch (problem.kind) {
    case 'unknown':
      return notFound('device', mac)
    case 'same':
      return new ApiProblem(422, 'same-device', `${what}: it is the same phone. Name the MAC address of the new one.`)
    case 'wrong-state':
      return new ApiProblem(
        409,
        'wrong-state',
        `${what}: it is ${problem.state}; only a device that is bound, or known to an account, has something to hand over.`,
      )
    case 'unknown-model':
      return new ApiProblem(
        422,
        'unknown-model',
        `${what}: "${to.model}" is no model that Offhook knows; expected one like CP-8851-3PCC.`,
      )
    case 'taken':
      return new ApiProblem(
        409,
        'device-taken',
        `${what}: the new phone is in use already. Release it first, or check its MAC address.`,
      )
    case 'has-lines':
      return new ApiProblem(
        409,
        'device-has-lines',
        `${what}: ${problem.count} line(s) are on the new phone already. Unassign them first.`,
      )
    case 'too-few-lines':
      return new ApiProblem(
        409,
        'too-few-lines',
        `${what}: a ${to.model} has ${problem.most} line(s), and ${problem.lines.length} line(s) of the old phone do not fit. Move them first, or let them go with "force": true.`,
        problem.lines.map(({ id, index, userId }) => ({
          code: 'too-few-lines',
          place: `line ${index}`,
          message: `Line "${id}" (${userId}) is extension ${index}; a ${to.model} has ${problem.most}`,
          advice: 'Give it another extension or another phone.',
        })),
      )
  }
}
