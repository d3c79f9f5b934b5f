/** What is wrong with a profile or a layer, before a phone has it. */
import { type LintProblem, lintFile, lintProfile } from '../../profiles/lint/mod.ts'
import type { Api, ReadyPlatform } from '../context.ts'
import { LintInput, LintProblems } from '../contract/lint.ts'
import { parametersOf } from '../layer-json.ts'

export function lintRoutes(api: Api, _ready: ReadyPlatform): void {
  api.post(
    '/api/v1/lint',
    {
      config: { scope: 'write', reach: 'free' },
      schema: {
        summary: 'Say what is wrong with a profile or with the parameters of a layer',
        body: LintInput,
        response: { 200: LintProblems },
      },
    },
    async (request) => {
      const { profile, parameters, model, firmware } = request.body
      const problems =
        profile === undefined
          ? lintProfile({ parameters: parametersOf({ parameters: parameters ?? {} }), model, firmware })
          : lintFile(profile, { model, firmware })
      return { problems: problems.map(problemJson) }
    },
  )
}

function problemJson({ code, element, message, advice, severity, line }: LintProblem) {
  return { code, element, message, advice, severity, ...(line === undefined ? {} : { line }) }
}
