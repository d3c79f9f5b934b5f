import { randomBytes } from 'node:crypto'
import { examineProxies, type ExaminedProxy } from '../../server/store/mod.ts'
import { type Check, type Finding, NETWORK_MS, ok, reasonOf, warning } from './finding.ts'
import { askUdp, reachTcp } from './probes.ts'

const CHECK = 'sip-proxy'

/** The proxies that carry our NOTIFY: whether they answer. */
export const checkSipProxies: Check = async ({ db }) => {
  if (db === undefined) return [ok(CHECK, 'The database is not looked into, so the SIP proxies are not known')]
  const proxies = await examineProxies(db)
  if (proxies.length === 0) return [ok(CHECK, 'No SIP proxy is set: phones are asked only by their action URL')]
  return Promise.all(proxies.map(findingOf))
}

async function findingOf(proxy: ExaminedProxy): Promise<Finding> {
  const { scope, host, port, transport } = proxy
  const value = `${host}:${port} ${transport}${scope === '-' ? '' : ` of account ${scope}`}`
  const wrong = await (transport === 'TCP' ? byTcp(proxy) : byUdp(proxy)).catch((error: unknown) => reasonOf(error))
  if (wrong === undefined) return ok(CHECK, 'The SIP proxy answers', value)
  const advice = 'See that it runs and lets this machine in, or correct it: PUT /api/v1/sip-proxy.'
  return warning(CHECK, 'The SIP proxy does not answer', `${value}: ${wrong}`, advice)
}

async function byTcp({ host, port }: ExaminedProxy): Promise<undefined> {
  await reachTcp(host, port)
}

/** RFC 3261 §11: any answer to OPTIONS shows that somebody speaks SIP there. */
async function byUdp({ host, port }: ExaminedProxy): Promise<string | undefined> {
  const tag = randomBytes(6).toString('hex')
  const lines = [
    `OPTIONS sip:${host}:${port} SIP/2.0`,
    `Via: SIP/2.0/UDP offhook.invalid;rport;branch=z9hG4bK${tag}`,
    'Max-Forwards: 10',
    `From: <sip:doctor@offhook.invalid>;tag=${tag}`,
    `To: <sip:${host}:${port}>`,
    `Call-ID: ${tag}@offhook.invalid`,
    'CSeq: 1 OPTIONS',
    'Content-Length: 0',
  ]
  const answer = await askUdp(host, port, Buffer.from(`${lines.join('\r\n')}\r\n\r\n`))
  if (answer === undefined) return `no answer within ${NETWORK_MS / 1000} s`
  return answer.toString('latin1').startsWith('SIP/2.0 ') ? undefined : 'what answers speaks no SIP'
}
