/** What must not be stored in clear, shown or logged. A device says nothing of it, so the names decide. */
import type { CwmpMessage, ParameterValue } from '../../protocol/cwmp/mod.ts'
import type { TaskRequest } from './types.ts'

/** The last part of a path: passwords, keys and the like of any data model. */
const SECRET_NAME =
  /pass(?:word|wd|phrase|code)|secret|psk|wepkey|presharedkey|privatekey|\bpin$|passwd|authkey|sharedkey/i

/** What stands where a secret was. */
export const MASKED = '***'

/** Whether the value of a path is a secret by its name, on whatever device. */
export function isSecretPath(path: string): boolean {
  return SECRET_NAME.test(path.slice(path.lastIndexOf('.', path.length - 2) + 1))
}

/** A request as it may be shown. */
export function withoutSecrets(request: TaskRequest): Readonly<Record<string, unknown>> {
  if (request.kind === 'set-values') {
    const values = request.values.map((each) => (isSecretPath(each.path) ? { ...each, value: MASKED } : each))
    return { ...request, values }
  }
  if (request.kind !== 'download') return { ...request }
  const { password, url, ...rest } = request
  return { ...rest, url: urlWithoutSecrets(url), ...(password === undefined ? {} : { password: MASKED }) }
}

/** A query may hold a token. */
function urlWithoutSecrets(url: string): string {
  const query = url.indexOf('?')
  return query === -1 ? url : `${url.slice(0, query)}?${MASKED}`
}

/** A message as it may be kept for a device under trace. */
export function maskMessage(message: CwmpMessage): CwmpMessage {
  const { body } = message
  switch (body.kind) {
    case 'Inform':
    case 'SetParameterValues':
    case 'GetParameterValuesResponse':
      return { ...message, body: { ...body, parameters: body.parameters.map(maskValue) } }
    case 'Download':
      return {
        ...message,
        body: { ...body, url: urlWithoutSecrets(body.url), password: body.password === '' ? '' : MASKED },
      }
    default:
      return message
  }
}

function maskValue(parameter: ParameterValue): ParameterValue {
  if (!isSecretPath(parameter.name) || parameter.value === '') return parameter
  return { ...parameter, value: MASKED }
}
