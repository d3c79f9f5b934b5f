/** `offhook stage change` and `delete`: a batch that was made otherwise than it should be. */
import type { Command } from 'commander'
import { addExamples } from '../examples.ts'
import { usageProblem } from '../exit-codes.ts'
import { printResult } from '../output.ts'
import { wholeNumber } from './acs-words.ts'
import { addApiOptions, withApi } from './api.ts'
import { type Batch, batchLine, batchRoute } from './stage-words.ts'
import { plainText } from './stage-width.ts'

export function stageChangeCommand(stage: Command): void {
  const command = stage
    .command('change')
    .description('Change the name, the number of boxes or the model of an open batch')
    .argument('<batch>', 'its id')
    .option('--name <name>', 'what people call it')
    .option('--model <product>', 'only phones of this model, e.g. CP-8851-3PCC')
    .option('--no-model', 'phones of any model')
    .option('--count <n>', 'how many there will be', wholeNumber)
    .option('--no-count', 'nobody knows how many there will be')
  addExamples(addApiOptions(command), [
    ['offhook stage change bat_0123 --name "Shop 7, 3rd floor"', 'another name'],
    ['offhook stage change bat_0123 --count 32', 'two more than were ordered'],
  ]).action((id: string, options) => {
    const { name, model, count } = options
    const change = {
      ...(name === undefined ? {} : { name }),
      // `--no-…` comes as false.
      ...(model === undefined ? {} : { model: model === false ? null : model }),
      ...(count === undefined ? {} : { expected: count === false ? null : count }),
    }
    if (Object.keys(change).length === 0) throw usageProblem('Say what to change: --name, --count or --model')
    return withApi(options, async (api) => {
      const batch = await api.call<Batch>('PATCH', batchRoute(id), change)
      printResult({ json: options.json === true, value: batch, lines: () => [batchLine(batch)] })
    })
  })
}

export function stageDeleteCommand(stage: Command): void {
  const command = stage.command('delete').description('Delete a batch that has no boxes').argument('<batch>', 'its id')
  addExamples(addApiOptions(command), [
    ['offhook stage delete bat_0123', 'one that was made by mistake; take its boxes out first'],
  ]).action((id: string, options) =>
    withApi(options, async (api) => {
      await api.call<undefined>('DELETE', batchRoute(id))
      const value = { id, deleted: true }
      printResult({ json: options.json === true, value, lines: () => [`${plainText(id)} is deleted`] })
    }),
  )
}
