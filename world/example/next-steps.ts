/** What to try next: lines that work as they are printed, in a shell with curl. */
import { realpathSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { printResyncUrl } from '../../protocol/http/mod.ts'
import type { Phone } from '../../phone/shell/mod.ts'
import type { Server } from '../../server/main.ts'
import { packageRoot } from '../../server/package-root.ts'
import { freeTcpPort } from './ports.ts'
import { apiOrigin, type ExampleProvider, hereOf } from './provider.ts'

export interface NextSteps {
  readonly server: Server
  readonly provider: ExampleProvider
  readonly phone: Phone
  readonly registered: boolean
  readonly tell: (line: string) => void
}

/** The phone that a visitor may start beside that of the example. */
const SECOND = { mac: '000e08c0ffe2', serial: 'FCH2347E0AC', model: 'CP-7841-3PCC', webPort: 8089 } as const
const AUTHORIZATION = '-H "Authorization: Bearer $TOKEN"'

/** Every command stands on a line of its own, four spaces in; nothing else does. */
export async function printNextSteps(example: NextSteps): Promise<void> {
  const { server, provider, phone, registered, tell } = example
  const offhook = commandName()
  const data = quoted(server.platform.settings.dataDir)
  const api = `${apiOrigin(server)}/api/v1`
  const door = hereOf(server.platform.settings.host, 'localhost')
  const device = `${api}/devices/${provider.data.phone.mac}`
  const lines = [
    '',
    `${registered ? 'Everything' : 'The platform'} is up. To try next, in another terminal:`,
    '',
    '  A token for the API (it is told once):',
    `    TOKEN=$(${offhook} token create --scope admin --data ${data})`,
    ...sameSettings(),
    '  The phone as the platform sees it, where each of its values comes from, and its timeline:',
    `    curl -s ${AUTHORIZATION} ${device}`,
    `    curl -s ${AUTHORIZATION} ${device}/config`,
    `    curl -s ${AUTHORIZATION} ${device}/events`,
    ...webPages(phone, `curl -s ${AUTHORIZATION} "${device}/config?reveal=true&format=xml" | grep _Password`),
    '  What a stranger gets: a first profile without secrets, and the common refusal:',
    `    curl -s http://${door}:${server.ports.http}/8851-3PCC.xml`,
    `    curl -k -s -i https://${door}:${server.ports.https}/cisco-init`,
    '  The API as a document:',
    `    curl -s ${api}/openapi.json`,
    ...(await secondPhone(example, offhook, data)),
    '',
    'Ctrl-C ends everything.',
    '',
  ]
  for (const line of lines) tell(line)
}

/** What another terminal does not know by itself. */
function sameSettings(): readonly string[] {
  const names = ['DATABASE_URL', 'OFFHOOK_DATABASE_URL', 'OFFHOOK_MASTER_KEY', 'OFFHOOK_MASTER_KEY_FILE']
  const set = names.filter((name) => (process.env[name] ?? '') !== '')
  return set.length === 0 ? [] : [`  (That terminal needs ${set.join(' and ')} in its environment, as this one.)`]
}

function webPages(phone: Phone, passwords: string): readonly string[] {
  const url = phone.webUrl()
  if (url === undefined) return []
  return [`  The example phone has web pages at ${url} for "admin" and "user". Their passwords:`, `    ${passwords}`]
}

async function secondPhone({ server, provider }: NextSteps, offhook: string, data: string): Promise<readonly string[]> {
  const webPort = await freeTcpPort('127.0.0.1', SECOND.webPort)
  const state = quoted(join(server.platform.settings.dataDir, 'phones', SECOND.mac))
  const label = `--mac ${SECOND.mac} --serial ${SECOND.serial} --model ${SECOND.model}`
  const rc = `--rc ${quoted(`${server.publicUrl}/software/edos/callhome/rc`)}`
  const codes = `${apiOrigin(server)}/api/v1/accounts/${provider.accountId}/codes`
  const body = `-H 'Content-Type: application/json' -d '{"devices":1}'`
  const code = `CODE=$(curl -s ${AUTHORIZATION} ${body} ${codes} | sed 's/.*"code":"\\([^"]*\\)".*/\\1/')`
  const resync = printResyncUrl(`http://127.0.0.1:${webPort}`, `${server.publicUrl}/cisco-init/`)
  return [
    '  A second phone, in a terminal of its own (type "help" there):',
    `    ${offhook} phone --fast ${label} --web-port ${webPort} --state ${state} --data ${data} ${rc}`,
    '  and a one-time code for it, which its customer gives it by the same way:',
    `    ${code}`,
    `    curl -s "${resync}$CODE"`,
  ]
}

/** As it must be typed in the folder that we were started in. */
function commandName(): string {
  const root = realpathSync(fileURLToPath(packageRoot()))
  return realpathSync(process.cwd()) === root ? './offhook' : quoted(join(root, 'offhook'))
}

function quoted(text: string): string {
  return /^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
