/** Facts in braces are a closed list; only layers have them. */
import { unknownFacts } from '../facts-in-values.ts'
import { problemAt } from './problem.ts'
import type { Check } from './types.ts'

const ADVICE =
  'Use line.userId, line.displayName, line.domain, line.authId, device.mac, device.serial, device.model, account.customerId or account.name.'

export const unknownFactsInLayers: Check = ({ elements, isLayer }) => {
  if (!isLayer) return []
  return elements.flatMap((element) =>
    unknownFacts(element.value, element.name).map((name) =>
      problemAt(element, 'unknown-fact', `"{{${name}}}" is not a fact that Offhook knows`, ADVICE),
    ),
  )
}
