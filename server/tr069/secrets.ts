/** What must not be stored in clear, shown or logged. A device says nothing of it, so the names decide. */
import type { CwmpFault, CwmpMessage, ParameterValue } from '../../protocol/cwmp/mod.ts'
import { elementsOf } from '../../protocol/data-model/mod.ts'
import { catalogue } from '../../protocol/profile/mod.ts'
import type { TaskRequest } from './types.ts'

/** The last part of a path: passwords, keys and the like of any data model. */
const SECRET_NAME =
  /pass(?:word|wd|phrase|code)|secret|psk|wepkey|private_?key|\bpin$|passwd|auth_?key|shared_?key|credential|token/i

/** What stands where a secret was. */
export const MASKED = '***'

/** Whether the value of a path is a secret: by the catalogue where it knows the path, else by its name. */
export function isSecretPath(path: string): boolean {
  const before = secretPaths.get(path)
  if (before !== undefined) return before
  if (secretPaths.size >= SECRET_PATHS_MAX) secretPaths.clear()
  const secret = isSecretName(path)
  // A copy of its own: a part of a message would keep the whole message.
  secretPaths.set(Buffer.from(path).toString(), secret)
  return secret
}

/** Devices of one model have the same tree, and looking a path up takes its time. */
const secretPaths = new Map<string, boolean>()
const SECRET_PATHS_MAX = 10_000

function isSecretName(path: string): boolean {
  // `PSK1` is a soft key of the phone, and a pre-shared key elsewhere.
  const elements = elementsOf(path)
  if (elements.length > 0) return elements.some((element) => catalogue.find(element)?.secret === true)
  return SECRET_NAME.test(path.slice(path.lastIndexOf('.', path.length - 2) + 1))
}

/** The secrets in a request: a device may repeat them in its faults. */
export function secretsIn(request: TaskRequest): readonly string[] {
  if (request.kind === 'set-values') {
    return request.values.filter(({ path }) => isSecretPath(path)).map(({ value }) => value)
  }
  return request.kind === 'download' && request.password !== undefined ? [request.password] : []
}

/** A device's words, without the secrets that it may have repeated. */
export function withoutValues(text: string, secrets: readonly string[]): string {
  return secrets.filter((value) => value !== '').reduce((rest, value) => rest.replaceAll(value, MASKED), text)
}

/** A request as it may be shown. */
export function withoutSecrets(request: TaskRequest): Readonly<Record<string, unknown>> {
  if (request.kind === 'set-values') {
    const values = request.values.map((each) => (isSecretPath(each.path) ? { ...each, value: MASKED } : each))
    return { ...request, values }
  }
  if (request.kind !== 'download') return { ...request }
  const { password, url, version, ...rest } = request
  return {
    ...rest,
    url: urlWithoutSecrets(url),
    // The version of a wished load is its URL.
    ...(version === undefined ? {} : { version: urlWithoutSecrets(version) }),
    ...(password === undefined ? {} : { password: MASKED }),
  }
}

/** A query or a fragment may hold a token, and what stands before the host a password. */
function urlWithoutSecrets(url: string): string {
  const end = url.search(/[?#]/)
  const shown = end === -1 ? url : `${url.slice(0, end + 1)}${MASKED}`
  return shown.replace(/^([^/]*\/\/)[^/]*@/, `$1${MASKED}@`)
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
    case 'AutonomousTransferComplete': {
      const [announceUrl, transferUrl] = [urlWithoutSecrets(body.announceUrl), urlWithoutSecrets(body.transferUrl)]
      return { ...message, body: { ...body, announceUrl, transferUrl } }
    }
    case 'Fault':
      return { ...message, body: maskFault(body) }
    default:
      return message
  }
}

/** A device may repeat the value that it does not like. */
function maskFault(fault: CwmpFault): CwmpFault {
  const ofSecret = fault.parameterFaults.some(({ name }) => isSecretPath(name))
  if (!ofSecret) return fault
  const parameterFaults = fault.parameterFaults.map((each) =>
    isSecretPath(each.name) && each.text !== '' ? { ...each, text: MASKED } : each,
  )
  return { ...fault, text: MASKED, parameterFaults }
}

function maskValue(parameter: ParameterValue): ParameterValue {
  if (!isSecretPath(parameter.name) || parameter.value === '') return parameter
  return { ...parameter, value: MASKED }
}
