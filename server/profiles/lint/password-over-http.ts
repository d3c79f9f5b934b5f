/** A user name and password in options for a server that is asked without TLS. Source: MPP §4.4, §11.3. */
import { problemAt } from './problem.ts'
import { rulesIn, targetsOf } from './rules-in.ts'
import type { Check } from './types.ts'

export const passwordsOverHttp: Check = (subject) =>
  rulesIn(subject).flatMap((held) => {
    const open = targetsOf(held).some(
      ({ options, url }) =>
        /^(?:http|tftp):\/\//i.test(url) && options.some((part) => part.kind === 'argument' && part.name === 'pwd'),
    )
    if (!open) return []
    const message = `${held.element.name} sends the password of --pwd to a server without TLS`
    return [
      problemAt(
        held.element,
        'password-over-http',
        message,
        'Use https, or seal the file and give --key instead.',
        'warning',
      ),
    ]
  })
