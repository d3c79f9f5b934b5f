/** "Messages are at *97." Source: MPP §13.4, §13.5. */
import { elementsOfPattern } from '../../../protocol/profile/mod.ts'
import type { ProductName } from '../../../protocol/identity.ts'
import { type FeatureMaker, type Parameters, parametersOf } from './kind.ts'
import { LINE_RANGE, lineProblems } from './keys.ts'
import { given, HOST_NAME, NUMBER, USER_ID } from './read.ts'
import type { Voicemail } from './types.ts'

export const voicemail: FeatureMaker<Voicemail> = {
  read: (fields) => ({
    kind: 'voicemail',
    number: fields.text('number', NUMBER),
    ...given({
      server: fields.optionalText('server', HOST_NAME),
      mailbox: fields.optionalText('mailbox', USER_ID),
      line: fields.optionalWhole('line', LINE_RANGE),
    }),
  }),
  expand: ({ number, server, mailbox, line }, { device }) => [
    ...parametersOf({ Voice_Mail_Number: number }),
    ...ofLines('Voice_Mail_Server_n_', server, line, device.model),
    ...ofLines('Mailbox_ID_n_', mailbox, line, device.model),
  ],
  problems: ({ line }, model) => lineProblems(line, model, 'line'),
}

function ofLines(pattern: string, value: string | undefined, line: number | undefined, model: ProductName): Parameters {
  if (value === undefined) return []
  const elements = line === undefined ? elementsOfPattern(pattern, model) : [pattern.replace('_n_', `_${line}_`)]
  return elements.map((element) => [element, { value }] as const)
}
