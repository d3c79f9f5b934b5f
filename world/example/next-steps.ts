/** What to try next: lines that work as they are printed, in any shell with curl. */
import type { Phone } from '../../phone/shell/mod.ts'
import type { Server } from '../../server/main.ts'
import type { ExampleProvider } from './provider.ts'

export function printNextSteps(example: {
  readonly server: Server
  readonly provider: ExampleProvider
  readonly phone: Phone
  readonly tell: (line: string) => void
}): void {
  const { server, provider, phone, tell } = example
  const { dataDir } = server.platform.settings
  const api = `http://127.0.0.1:${server.ports.api}`
  const auth = '-H "Authorization: Bearer $TOKEN"'
  const { mac } = provider.data.phone
  const lines = [
    '',
    'Everything is up. To try next, in another terminal:',
    '',
    '  A token for the API (it is printed once):',
    `    TOKEN=$(./offhook token create --scope admin --data ${quoted(dataDir)})`,
    '  The phone as the platform sees it, why each value is what it is, and its timeline:',
    `    curl ${auth} ${api}/api/v1/devices/${mac}`,
    `    curl ${auth} ${api}/api/v1/devices/${mac}/config`,
    `    curl ${auth} ${api}/api/v1/devices/${mac}/events`,
    '  What a stranger gets: a first profile without secrets, and the common refusal:',
    `    curl http://localhost:${server.ports.http}/8851-3PCC.xml`,
    `    curl -k -i ${server.publicUrl}/cisco-init`,
    '  Another phone of your own, with a code (paste its url into the phone as "rule", then "resync"):',
    `    curl -X POST ${auth} ${api}/api/v1/accounts/${provider.accountId}/codes`,
    `    ${phoneCommand(server)}`,
    '  The API as a document:',
    `    curl ${api}/api/v1/openapi.json`,
    ...webPages(phone, `curl -s ${auth} "${api}/api/v1/devices/${mac}/config?reveal=true&format=xml" | grep _Password`),
    '',
    'Ctrl-C ends everything.',
    '',
  ]
  for (const line of lines) tell(line)
}

function webPages(phone: Phone, passwords: string): readonly string[] {
  const url = phone.webUrl()
  if (url === undefined) return []
  return ['  The web pages of the example phone, and the passwords of its accounts "admin" and "user":', `    ${url}`, `    ${passwords}`]
}

function phoneCommand(server: Server): string {
  const { dataDir } = server.platform.settings
  const rc = `--rc ${server.publicUrl}/software/edos/callhome/rc`
  return `./offhook phone --state ./my-phone --data ${quoted(dataDir)} ${rc} --mac 000e08000002 --serial FCH2347E0AC --model CP-7841-3PCC`
}

function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`
}
