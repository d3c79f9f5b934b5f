import { decodePacket, encodePacket } from '../../protocol/tftp/mod.ts'
import { type Check, type Finding, inUrl, NETWORK_MS, ok, problem, reachable, reasonOf } from './finding.ts'
import { askUdp, shownChain } from './probes.ts'

const CHECK = 'doors'
const RESTART = 'Look at the log of the server, and start it again.'
/** A file that nobody has. */
const NO_FILE = 'offhook-doctor-looks'

/** Whether the doors for phones answer as they should; only while the server runs. */
export const checkDoors: Check = async ({ settings, running }) => {
  if (!running) return [ok(CHECK, 'The server is stopped: its doors are not asked')]
  const host = reachable(settings.host)
  const { httpPort, httpsPort, tftpPort } = settings
  return Promise.all([
    asked('HTTP', httpPort, () => askHttp(host, httpPort)),
    asked('HTTPS', httpsPort, () => askHttps(host, httpsPort)),
    asked('TFTP', tftpPort, () => askTftp(host, tftpPort)),
  ])
}

async function asked(name: string, port: number, ask: () => Promise<string | undefined>): Promise<Finding> {
  if (port === 0) return ok(CHECK, `${name}: on a port that the system chose, so it is not asked`)
  const wrong = await ask().catch((error: unknown) => reasonOf(error))
  const value = `port ${port}`
  return wrong === undefined
    ? ok(CHECK, `${name}: answers`, value)
    : problem(CHECK, `${name}: ${wrong}`, value, RESTART)
}

async function askHttp(host: string, port: number): Promise<string | undefined> {
  const url = `http://${inUrl(host)}:${port}/${NO_FILE}`
  const response = await fetch(url, { signal: AbortSignal.timeout(NETWORK_MS), redirect: 'manual' })
  const body = await response.text()
  return response.status === 404 && body === '' ? undefined : `another program answers (status ${response.status})`
}

async function askHttps(host: string, port: number): Promise<string | undefined> {
  return (await shownChain(host, port)) === '' ? 'it shows no certificate' : undefined
}

/** RFC 1350 §4: a file that is not there is answered by an error. */
async function askTftp(host: string, port: number): Promise<string | undefined> {
  const request = encodePacket({ kind: 'rrq', filename: NO_FILE, mode: 'octet', options: new Map() })
  const answer = await askUdp(host, port, request)
  if (answer === undefined) return `no answer within ${NETWORK_MS / 1000} s`
  const packet = decodePacket(answer)
  return packet.ok && packet.value.kind === 'error' ? undefined : 'another program answers'
}
