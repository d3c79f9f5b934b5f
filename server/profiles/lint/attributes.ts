/** Attributes that the firmware is too old for. Source: MPP §1.3 (column Since). */
import { attributeRelease, isOlder } from './firmware.ts'
import { problemAt } from './problem.ts'
import type { Check } from './types.ts'

export const newAttributes: Check = ({ elements, firmware }) => {
  if (firmware === undefined) return []
  return elements.flatMap((element) => {
    const name =
      element.preserveValue === true ? 'preserve-value' : element.userPref === undefined ? undefined : 'user-pref'
    if (name === undefined || !isOlder(firmware, attributeRelease(name))) return []
    const message = `${element.name} has ${name}, which firmware ${firmware.text} does not know: it came with ${attributeRelease(name).join('.')}`
    return [problemAt(element, 'bad-attribute', message, 'Remove the attribute for this firmware.', 'warning')]
  })
}
