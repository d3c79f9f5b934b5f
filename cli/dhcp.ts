/** `offhook dhcp`: the configuration of a DHCP server that brings phones to us, and what is wrong in one that is there. */
import { mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import { type Command, Option } from 'commander'
import {
  checkDhcp,
  type Daemon,
  type DiscoveryProblem,
  guessDaemon,
  writeDhcp,
  type WrittenDhcp,
} from '../server/discovery/mod.ts'
import { addDoorOptions, addNetworkOptions, addWishOptions, askedSettings } from './dhcp/asked.ts'
import { registerKeaCommands } from './dhcp/kea.ts'
import { problemLines, problemOf } from './dhcp/problem-lines.ts'
import { addExamples } from './examples.ts'
import { CliProblem, EXIT, usageProblem } from './exit-codes.ts'
import { quoted, readInput, reasonOf, writeOutput } from './files.ts'
import { endWith, printNote, printResult } from './output.ts'

const DAEMONS: readonly Daemon[] = ['kea', 'dnsmasq', 'isc']
/** Configurations of a large site, with a reservation for each device. */
const CONFIG_BYTES_MAX = 32 * 1024 * 1024

export function registerDhcpCommand(program: Command): void {
  const dhcp = program
    .command('dhcp')
    .description('Write what a DHCP server must say so that phones find us; check what one says')
    // So that `check --for` is an option of check.
    .enablePositionalOptions()
    .addOption(new Option('--for <daemon>', 'whose configuration').choices(DAEMONS))
    .option('--out <dir>', 'write files into this folder (default: print)')
    .option('--json', 'one JSON document: {"files": [{"name", "text"}], "notes"}')
  addNetworkOptions(addWishOptions(dhcp))
  addExamples(addDoorOptions(dhcp), [
    [
      'offhook dhcp --for kea --public-url https://prov.example.com',
      'classes and options, to be put beside what is there',
    ],
    [
      'offhook dhcp --for dnsmasq --server 192.0.2.10 --subnet 192.0.2.0/24 --pool 192.0.2.50-192.0.2.200 --out bench',
      'all that a bench needs',
    ],
    [
      'offhook dhcp --for isc --public-url https://prov.example.com --acs --voice-vlan 20',
      'with the ACS and the voice VLAN',
    ],
  ]).action(write)
  registerCheck(dhcp)
  registerKeaCommands(dhcp)
}

interface WriteOptions {
  readonly for?: Daemon
  readonly out?: string
  readonly json?: true
}

async function write(options: WriteOptions): Promise<void> {
  const daemon = options.for
  if (daemon === undefined) throw usageProblem(`whose configuration? Give --for ${DAEMONS.join(', --for ')}`)
  const written = writeDhcp(daemon, askedSettings({ ...options }))
  if (!written.ok) throw problemOf('Cannot write the configuration', written.error)
  const { files, notes } = written.value
  const { out } = options
  if (out !== undefined) await writeFiles(out, files)
  const lines = (): readonly string[] => (out === undefined ? printed(files) : files.map(({ name }) => join(out, name)))
  printResult({ json: options.json === true, value: { files, notes }, lines })
  if (options.json !== true) for (const note of notes) printNote(note)
}

async function writeFiles(folder: string, files: WrittenDhcp['files']): Promise<void> {
  try {
    await mkdir(folder, { recursive: true })
  } catch (error) {
    throw new CliProblem(`Cannot make the folder ${quoted(folder)}: ${reasonOf(error)}; name another`)
  }
  for (const { name } of files) await refuseForeign(join(folder, name))
  for (const { name, text } of files) await writeOutput(join(folder, name), new TextEncoder().encode(text))
}

/** How our own files begin, behind the sign of a comment. */
const OWN = /^(?:#|\/\/) Written by Offhook\b/
const OWN_BYTES = 100

/** `--out /etc/kea` must not put classes alone in the place of the whole configuration that is there. */
async function refuseForeign(path: string): Promise<void> {
  const file = await open(path, 'r').catch(() => undefined)
  // Not there, or not to be read: writing it says why.
  if (file === undefined) return
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(OWN_BYTES), 0, OWN_BYTES, 0)
    if (OWN.test(buffer.toString('utf8', 0, bytesRead))) return
  } finally {
    await file.close()
  }
  throw new CliProblem(
    `Cannot write ${quoted(path)}: there is a file that Offhook did not write. Name another folder, and take what you need from there`,
  )
}

/** All three take a `#`, so that one file can be piped on as it is. */
function printed(files: WrittenDhcp['files']): readonly string[] {
  return files.map(({ name, text }) => `# ${name}\n${text.trimEnd()}`)
}

interface CheckOptions {
  readonly for?: Daemon
  readonly server?: string
  readonly json?: true
}

function registerCheck(dhcp: Command): void {
  const command = dhcp
    .command('check')
    .description('Say what keeps phones away in the configuration of a DHCP server')
    .argument('<file>', 'the configuration; - is standard input')
    .addOption(new Option('--for <daemon>', 'whose it is; without it, guessed').choices(DAEMONS))
    .option('--server <address>', 'IPv4 of the doors for phones: also whether it leads there')
    .option('--options <numbers>', 'with --server: those that are to name the provisioning server, or none')
    .option('--json', 'one JSON document: {"problems": [{"code", "place", "message", "advice"}]}')
  addDoorOptions(command)
    .addHelpText('after', '\nThe exit code is 1 when there are problems.')
    .action((file: string, options: CheckOptions) => check(file, options))
  addExamples(command, [
    ['offhook dhcp check /etc/kea/kea-dhcp4.conf', 'what phones would not find by it'],
    [
      'offhook dhcp check dhcpd.conf --server 192.0.2.10 --standard-ports',
      'also whether it leads phones to 192.0.2.10',
    ],
    ['ssh router cat /etc/dnsmasq.conf | offhook dhcp check - --for dnsmasq --json', 'for a script'],
  ])
}

async function check(file: string, options: CheckOptions): Promise<void> {
  const text = textOf(await readInput(file, CONFIG_BYTES_MAX), file)
  const daemon = options.for ?? guessDaemon(text)
  if (daemon === undefined) {
    throw usageProblem(
      `${shown(file)} is not recognised as a configuration of ${DAEMONS.join(', ')}; say by --for whose it is`,
    )
  }
  // Whether it leads to us can be said only where we know for certain where we are.
  const settings = options.server === undefined ? undefined : askedSettings({ ...options })
  const problems = checkDhcp(daemon, text, settings, { isRcExpected: true })
  printResult({ json: options.json === true, value: { problems }, lines: () => linesOf(file, problems) })
  endWith(problems.length === 0 ? EXIT.done : EXIT.problems)
}

function shown(file: string): string {
  return file === '-' ? 'standard input' : quoted(file)
}

function textOf(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new CliProblem(`Cannot check ${shown(file)}: it is not text in UTF-8`)
  }
}

function linesOf(file: string, problems: readonly DiscoveryProblem[]): readonly string[] {
  if (problems.length === 0) return [`${file}: nothing is wrong`]
  const lines = problemLines(problems).map((line) => (line.startsWith(' ') ? line : `${file}: ${line}`))
  return [...lines, `${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}`]
}
