/** What kind of URL each kind of rule may name, MPP §4.1, §4.4, §4.5 and §6. */

import { type Place, type Problem, problem } from './problems.ts'
import type { RuleKind } from './syntax.ts'
import type { Url } from './url.ts'

/** @returns problems at `place`; those of severity `error` mean that the phone cannot use this URL here. */
export function checkFetch(url: Url, kind: RuleKind, srv: boolean, place: Place): readonly Problem[] {
  const problems: Problem[] = []
  if (kind !== 'profile') {
    if (url.scheme === 'gds') problems.push(problem('gds-not-here', place))
    else if (url.host === undefined) problems.push(problem('server-required', place))
  }
  if (kind === 'upgrade' && !/\.loads$|\$/.test(url.path.replace(/[?#].*$/s, ''))) {
    problems.push(problem('not-a-loads-file', place))
  }
  // MPP §4.4. A relative URL may yet get an HTTP server from DHCP.
  if (srv && url.scheme === 'tftp' && url.host !== undefined) problems.push(problem('srv-with-tftp', place))
  return problems
}
