/** The server's certificate, as an administrator looks after it. */
import type { Command } from 'commander'
import { addExamples } from '../examples.ts'
import { usageProblem } from '../exit-codes.ts'
import { readInput, writeOutput } from '../files.ts'
import { printLines, printNote, printResult } from '../output.ts'
import { addApiOptions, type ApiAccess, withApi } from './api.ts'

const PEM_BYTES_MAX = 100_000

interface Problem {
  readonly message: string
  readonly advice: string
}

interface Shown {
  readonly source: string
  readonly subject: string
  readonly issuer: string
  readonly hosts: readonly string[]
  readonly notAfter: string
  readonly daysLeft: number
  readonly fingerprint: string
  readonly customCa: boolean
  readonly problems: readonly Problem[]
  readonly phones: readonly {
    readonly models: string
    readonly fromFirmware: string | null
    readonly verdict: string
    readonly reason: string
  }[]
  readonly waiting: readonly { readonly id: string; readonly hosts: readonly string[] }[]
}

interface Acme {
  readonly directory: string
  readonly hosts: readonly string[]
  readonly state: string
  readonly lastError: string | null
  readonly nextAt: string
}

export function registerCertificateCommand(program: Command): void {
  const certificate = program.command('certificate').description('The certificate that phones see')
  showCommand(certificate)
  csrCommand(certificate)
  installCommand(certificate)
  acmeCommand(certificate)
}

function showCommand(certificate: Command): void {
  const command = certificate.command('show').description('The one in force, and which phones would refuse it')
  addExamples(addApiOptions(command), [['offhook certificate show', 'its hosts, its end, what waits to be signed']])
  command.action((options) =>
    withApi(options, async (api) => {
      const shown = await api.call<Shown>('GET', 'server-certificate')
      printResult({ json: options.json === true, value: shown, lines: () => shownLines(shown) })
    }),
  )
}

function shownLines(shown: Shown): readonly string[] {
  return [
    `hosts       ${shown.hosts.join(', ')}`,
    `source      ${shown.source}, signed by ${shown.issuer}`,
    `ends        ${shown.notAfter} (in ${shown.daysLeft} days)`,
    `SHA-256     ${shown.fingerprint}`,
    `CA          ${shown.customCa ? 'phones learn it by Custom_CA_Rule' : 'phones must know it already'}`,
    ...shown.phones.map(
      ({ models, fromFirmware, verdict, reason }) =>
        `phones      ${models}${fromFirmware === null ? '' : ` from ${fromFirmware}`}: ${verdict} (${reason})`,
    ),
    ...shown.waiting.map(({ id, hosts }) => `waiting     ${id} for ${hosts.join(', ')}`),
    ...shown.problems.map(({ message, advice }) => `PROBLEM     ${message}. ${advice}`),
  ]
}

function csrCommand(certificate: Command): void {
  const command = certificate
    .command('csr')
    .description('Make a key, which stays in the server, and a request to have signed')
    .argument('[file]', 'where the request goes; - is standard output', '-')
    .option('--host <host...>', 'names of the server; the first is the common name (default: of the public URL)')
  addExamples(addApiOptions(command), [
    ['offhook certificate csr server.csr', 'a request for the host of the public URL'],
    ['offhook certificate csr - --host prov.example.com', 'for a name, to standard output'],
  ])
  command.action((file: string, options) =>
    withApi(options, async (api) => {
      const body = options.host === undefined ? {} : { hosts: options.host }
      const made = await api.call<{ readonly id: string; readonly csr: string }>(
        'POST',
        'server-certificates/csr',
        body,
      )
      const json = options.json === true
      await writeOutput(file, new TextEncoder().encode(json ? `${JSON.stringify(made, undefined, 2)}\n` : made.csr))
      if (!json) printNote(`have it signed, then: offhook certificate install CHAIN.pem --id ${made.id}`)
    }),
  )
}

function installCommand(certificate: Command): void {
  const command = certificate
    .command('install')
    .description('Put a certificate in force, without a restart')
    .argument('<chain>', 'PEM, the server’s own certificate first; - is standard input')
    .option('--key <file>', 'its private key, PEM')
    .option('--id <id>', 'instead of a key: the request that it answers')
    .option('--ca <file>', 'a private CA that signed it, for phones to learn')
    .option('--force', 'although it is for another host, begins later or its chain has gaps')
  addExamples(addApiOptions(command), [
    ['offhook certificate install chain.pem --id crt_0123', 'the answer to a request of ours'],
    ['offhook certificate install chain.pem --key key.pem', 'a certificate with its key'],
  ])
  command.action((chain: string, options) =>
    withApi(options, async (api) => {
      if ((options.key === undefined) === (options.id === undefined)) {
        throw usageProblem('give either --key, or --id of the request that the certificate answers')
      }
      const pem = await pemFrom(chain)
      const more = {
        ...(options.ca === undefined ? {} : { ca: await pemFrom(options.ca) }),
        force: options.force === true,
      }
      const stored = await (options.id === undefined
        ? api.call('POST', 'server-certificates', { chain: pem, key: await pemFrom(options.key), ...more })
        : api.call('PUT', `server-certificates/${encodeURIComponent(options.id)}/chain`, { pem, ...more }))
      const lines = (): readonly string[] => ['It is in force; "offhook certificate show" shows it.']
      printResult({ json: options.json === true, value: stored, lines })
    }),
  )
}

async function pemFrom(file: string): Promise<string> {
  return new TextDecoder().decode(await readInput(file, PEM_BYTES_MAX))
}

function acmeCommand(certificate: Command): void {
  const command = certificate
    .command('acme')
    .description('Have certificates signed and renewed by an authority; without options: how that goes')
    .option('--directory <url>', 'of the authority, e.g. https://acme-v02.api.letsencrypt.org/directory')
    .option('--email <email>', 'where the authority writes to')
    .option('--host <host...>', 'names of the server (default: of the public URL)')
    .option('--ca <file>', 'root of a private authority, PEM')
    .option('--agree-to-terms', 'you agree to the terms of service of the authority')
    .option('--renew', 'ask for a new certificate now')
    .option('--off', 'ask no more; the certificate in force stays until its end')
  addExamples(addApiOptions(command), [
    [
      'offhook certificate acme --directory https://acme-v02.api.letsencrypt.org/directory --agree-to-terms',
      'from now on, renewed by itself; the authority must reach our HTTP door on port 80',
    ],
    ['offhook certificate acme', 'when the next renewal is due, and why the last try failed'],
  ])
  command.action((options) =>
    withApi(options, async (api) => {
      const acme = await doAcme(api, options)
      if (acme === undefined) {
        if (options.json !== true) printLines(['No authority is asked any more.'])
        return
      }
      printResult({ json: options.json === true, value: acme, lines: () => acmeLines(acme) })
    }),
  )
}

async function doAcme(
  api: ApiAccess,
  options: Readonly<Record<string, string | boolean | readonly string[] | undefined>>,
): Promise<Acme | undefined> {
  const { directory, email, host, ca } = options
  const asked = [directory !== undefined, options['renew'] === true, options['off'] === true].filter(Boolean).length
  if (asked > 1) throw usageProblem('give one of --directory, --renew and --off')
  if (options['off'] === true) return api.call<undefined>('DELETE', 'acme')
  if (options['renew'] === true) return api.call<Acme>('POST', 'acme/renew')
  if (directory === undefined) return api.call<Acme>('GET', 'acme')
  if (options['agreeToTerms'] !== true) {
    throw usageProblem('read the terms of service of the authority, then add --agree-to-terms')
  }
  return api.call<Acme>('PUT', 'acme', {
    directory,
    agreeToTerms: true,
    ...(email === undefined ? {} : { email }),
    ...(host === undefined ? {} : { hosts: host }),
    ...(typeof ca === 'string' ? { ca: await pemFrom(ca) } : {}),
  })
}

function acmeLines({ directory, hosts, state, lastError, nextAt }: Acme): readonly string[] {
  return [
    `authority   ${directory}`,
    `hosts       ${hosts.join(', ')}`,
    `state       ${state}, next at ${nextAt}`,
    ...(lastError === null ? [] : [`last error  ${lastError}`]),
  ]
}
