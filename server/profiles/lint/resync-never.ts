/** A profile after which nothing brings the phone back. Source: MPP §5.1, §5.3. */
import { saysValue } from './element-facts.ts'
import { problemAt } from './problem.ts'
import type { Check, LintElement } from './types.ts'

export const resyncNever: Check = ({ elements }) => {
  const last = new Map<string, LintElement>()
  for (const element of elements.filter(saysValue)) last.set(element.name, element)
  const off = last.get('Provision_Enable')
  if (off !== undefined && /^no$/i.test(off.value)) {
    return [
      problemAt(
        off,
        'resync-never',
        'Provision_Enable "No" stops every resync, also by NOTIFY and by hand',
        'Leave it at Yes; only a person at the phone could turn it on again.',
        'warning',
      ),
    ]
  }
  const periodic = last.get('Resync_Periodic')
  const reset = last.get('Resync_On_Reset')
  const at = last.get('Resync_At__HHmm_')?.value ?? ''
  const never =
    periodic !== undefined && /^0*$/.test(periodic.value.trim()) && at === '' && /^no$/i.test(reset?.value ?? '')
  if (!never || periodic === undefined) return []
  return [
    problemAt(
      periodic,
      'resync-never',
      'No period, no time of day and no resync after power-up: the phone does not come back by itself',
      'Set Resync_Periodic, for example to 86400+3600.',
      'warning',
    ),
  ]
}
