import { lookup } from 'node:dns/promises'
import { X509Certificate } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import {
  type Check,
  type Examined,
  type Finding,
  inUrl,
  NETWORK_MS,
  ok,
  problem,
  reachable,
  reasonOf,
  warning,
} from './finding.ts'
import { shownChain } from './probes.ts'

const CHECK = 'public-url'

/** Whether phones that ask by the public URL reach this server: its name, its port, and that it is really us. */
export const checkPublicUrl: Check = async (examined) => {
  const { settings, running } = examined
  if (settings.publicUrl === undefined) {
    const advice = 'Set OFFHOOK_PUBLIC_URL to the https URL by which phones reach this server.'
    return [warning(CHECK, 'No public URL is set: phones are sent to "localhost", good for a lab only', '', advice)]
  }
  const url = new URL(settings.publicUrl)
  const host = url.hostname.replaceAll(/[[\]]/g, '')
  const addresses = await addressesOf(host)
  if (typeof addresses === 'string') {
    const advice = 'Add the name to the DNS that phones ask, or correct OFFHOOK_PUBLIC_URL.'
    return [problem(CHECK, `The name "${host}" cannot be resolved`, addresses, advice)]
  }
  const named = ok(CHECK, `The name "${host}" is known`, addresses.join(', '))
  if (!running) return [named, ok(CHECK, 'The server is stopped: it is not asked by its public URL')]
  return [named, await sameServer(examined, host, Number(url.port || '443'))]
}

async function addressesOf(host: string): Promise<readonly string[] | string> {
  try {
    const found = await Promise.race([lookup(host, { all: true }), pause(NETWORK_MS)])
    return found === undefined ? `no answer within ${NETWORK_MS / 1000} s` : found.map(({ address }) => address)
  } catch (error) {
    return reasonOf(error)
  }
}

async function sameServer({ settings }: Examined, host: string, port: number): Promise<Finding> {
  const value = `${inUrl(host)}:${port}`
  const seen = await shownChain(host, port).catch((error: unknown) => ({ reason: reasonOf(error) }))
  if (typeof seen !== 'string') {
    const advice =
      'See that the port is forwarded to this machine. Some networks do not let a machine reach itself by its public address: then ask from outside.'
    return warning(CHECK, 'The public URL cannot be reached from here', `${value}: ${seen.reason}`, advice)
  }
  if (settings.httpsPort === 0) return ok(CHECK, 'A TLS server answers at the public URL', value)
  const own = await shownChain(reachable(settings.host), settings.httpsPort).catch(() => undefined)
  if (own === undefined) return ok(CHECK, 'A TLS server answers at the public URL', value)
  const [theirs, ours] = [new X509Certificate(seen), new X509Certificate(own)]
  if (theirs.fingerprint256 === ours.fingerprint256) return ok(CHECK, 'This server answers at the public URL', value)
  // Each process of ours issues its own certificate under our CA.
  if (theirs.issuer === ours.issuer && theirs.subject === ours.subject) {
    return ok(CHECK, 'A server with a certificate of the same kind answers at the public URL', value)
  }
  const advice =
    'A proxy that ends TLS hides the certificates of the phones: pass the connection on as it is (TCP), or correct OFFHOOK_PUBLIC_URL.'
  return problem(CHECK, 'Another server answers at the public URL', `${value} shows ${oneLine(theirs.subject)}`, advice)
}

function oneLine(subject: string): string {
  return subject.split('\n').reverse().join(', ')
}
