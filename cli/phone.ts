/** `offhook phone`: one virtual phone on real sockets, with a terminal as its face. */
import { existsSync, readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { join, resolve } from 'node:path'
import { type Command, Option } from 'commander'
import type { Agent, Hardware, Lease, PhoneEvent, PhonePolicies } from '../phone/agent/mod.ts'
import {
  type DhcpLink,
  keepBoxCertificate,
  keepLabel,
  type Label,
  openDhcpLink,
  type Phone,
  PhoneProblem,
  readBoxCertificate,
  readLabel,
  removeState,
  type ShellTls,
  startPhone,
} from '../phone/shell/mod.ts'
import { concatBytes, hexToBytes } from '../protocol/bytes.ts'
import { ipv4ToBytes, isVlanOption } from '../protocol/dhcp/mod.ts'
import { parseMacAddress, parseProductName, parseSerialNumber } from '../protocol/identity.ts'
import { modelInfo } from '../protocol/profile/mod.ts'
import { assert, type Millis } from '../protocol/result.ts'
import { usageProblem } from './exit-codes.ts'
import { openFace, printEvent, printJsonEvent } from './face.ts'
import { labCertificate, refuseAbsentLab } from './lab.ts'
import { stopSignal } from './signals.ts'

const DEFAULT_MAC = '000e08a1b2c3'
const DEFAULT_SERIAL = 'FCH2305DMH0'
const DEFAULT_MODEL = 'CP-8851-3PCC'
/** Old enough for upgrades, new enough for RC and for the error retries of the present guide (MPP §0 fact 6). */
export const DEFAULT_RELEASE = '12-0-2MPP0001-116'
const HARDWARE_VERSION = '2.0.1'
const RC_PATH = '/software/edos/callhome/rc'

/** A real phone starts for a minute or more, which shows nothing; its random delays are kept. */
export const BRISK: Partial<PhonePolicies> = { bootMs: 1000, flashMs: 2000 }

/** For people who wait in front of the screen: no spreading of load, a quick boot. */
export const FAST: Partial<PhonePolicies> = { bootMs: 500, flashMs: 1000, quietSeconds: 2, randomDelayUnitSeconds: 0 }

/** Options that `phone` and `fleet` share, as commander hands them over. */
export interface CommonOptions {
  readonly data?: string
  readonly firmware?: string
  readonly rc?: string
  readonly address?: string
  readonly dhcp: readonly string[]
  readonly interface?: string
  readonly ipv6?: true
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  readonly fast?: true
  readonly json?: true
}

interface PhoneOptions extends CommonOptions {
  readonly state?: string
  readonly mac?: string
  readonly serial?: string
  readonly model?: string
  readonly webPort?: string
  readonly webHost?: string
  readonly factoryReset?: true
  readonly renewCertificate?: true
}

export function registerPhoneCommand(program: Command): void {
  const command = program
    .command('phone')
    .description('Run one virtual phone')
    .option('--state <dir>', 'where the phone keeps who it is and what it knows (default ./data/phones/<mac>)')
    .option('--mac <mac>', `MAC address (default ${DEFAULT_MAC})`)
    .option('--serial <serial>', `serial number (default ${DEFAULT_SERIAL})`)
    .option('--model <product>', `product name (default ${DEFAULT_MODEL})`)
    .option(
      '--web-port <port>',
      'its web server; 0 is any free port (default 0; with --interface as the phone wants, 80)',
    )
    .option(
      '--web-host <address>',
      'where its web server listens (default 127.0.0.1; with --interface its own address)',
    )
    .option('--factory-reset', 'start as it left the factory')
    .option('--renew-certificate', 'have a new factory certificate made, for example for a new server')
  addCommonOptions(command).action((options: PhoneOptions) => run(options))
}

export function addCommonOptions(command: Command): Command {
  return command
    .option('--data <dir>', 'data directory of the server, whose lab makes the factory certificate [OFFHOOK_DATA]')
    .option(
      '--dhcp <option=value>',
      '66, 150, 159, 160 or 60=text, 43 or 125=hex, 132=VLAN, domain=name; repeatable',
      gather,
      [],
    )
    .addOption(interfaceOption())
    .option('--ipv6', 'with --interface: ask DHCPv6 as well')
    .option('--rc <url>', 'redirect service of a blank phone (default: that of the server) [OFFHOOK_PUBLIC_URL]')
    .option('--firmware <load>', `load in flash of a new phone, e.g. sip88xx.${DEFAULT_RELEASE}`)
    .option('--address <ip>', 'address of the phone in its lease (default: that of this machine)')
    .option('--ca <file>', 'CA of the server, PEM')
    .option('--cert <file>', 'client certificate, PEM')
    .option('--key <file>', 'its private key, PEM')
    .option('--fast', 'boot at once and do not wait a random time before the first resync')
    .option('--json', 'one JSON object for each event on stdout, and nothing else')
}

function interfaceOption(): Option {
  return new Option(
    '--interface <name>',
    'ask DHCP for an address on this network interface, as a real phone does; needs root',
  ).conflicts(['dhcp', 'address'])
}

async function run(options: PhoneOptions): Promise<void> {
  const { label, stateDir } = labelFor(options)
  // Nothing of the folder is touched before all options are right.
  const webPort = webPortFrom(options)
  const given = options.interface === undefined ? leaseFrom(options) : undefined
  const rcUrl = rcUrlFrom(options.rc)
  const labDir = labFor(options, stateDir)
  if (labDir !== undefined) refuseAbsentLab(labDir)
  keepLabel(stateDir, label)
  if (options.factoryReset === true) removeState(stateDir)
  const tls = await certificateFor(options, label, stateDir)
  const hardware: Hardware = {
    ...label,
    hardwareVersion: HARDWARE_VERSION,
    clientCertificate: tls.certPem !== undefined,
    rcUrl,
  }
  const link = await linkFrom(options)
  const { webHost } = options
  try {
    const lease = given ?? dhcpOn(link)
    const web = { ...(webPort === undefined ? {} : { webPort }), ...(webHost === undefined ? {} : { webHost }) }
    await live({ hardware, stateDir, tls, lease, ...web }, options)
  } finally {
    await link?.close()
  }
}

type Start = Pick<Parameters<typeof startPhone>[0], 'hardware' | 'tls' | 'lease' | 'webPort' | 'webHost'> & {
  readonly stateDir: string
}

async function live(start: Start, options: PhoneOptions): Promise<void> {
  const running: { phone: Phone | undefined } = { phone: undefined }
  let end: (problem?: PhoneProblem) => void = () => undefined
  const ended = new Promise<PhoneProblem | undefined>((resolveEnd) => {
    end = resolveEnd
  })
  const face =
    options.json === true
      ? { print: (line: string) => void process.stdout.write(`${line}\n`), close: () => undefined }
      : openFace({
          phone: () => running.phone,
          input: process.stdin,
          output: process.stdout,
          now: Date.now,
          quit: () => end(),
        })
  const onEvent = (event: PhoneEvent, at: Millis): void => {
    face.print(options.json === true ? printJsonEvent(event, at) : printEvent(event, at))
    if (event.name === 'phone-failed') end(new PhoneProblem(event.text))
  }
  try {
    running.phone = await startPhone({ ...start, onEvent, policies: options.fast === true ? FAST : BRISK })
    if (options.json !== true) foretell(running.phone, (line) => face.print(line))
    stopSignal().then(
      () => end(),
      () => end(),
    )
    const problem = await ended
    if (problem !== undefined) throw problem
  } finally {
    face.close()
    await running.phone?.switchOff()
  }
}

/** A day: who switched a phone on and looks no more needs no word of it. */
const FORETELL_WITHIN_MS = 24 * 3_600_000

/** The guide spreads the first resync over some time; whoever watches should know. */
function foretell(phone: Phone, print: (line: string) => void): void {
  const told = ({ ram }: Agent): void => {
    const seconds = Math.round(((ram.timers.resync ?? 0) - Date.now()) / 1000)
    if (seconds > 2)
      print(`          First resync in ${seconds} s (Resync_Random_Delay). "resync" does it now; --fast never waits`)
  }
  // A phone that asks DHCP has nothing to tell before it has an address, which takes as long as it takes.
  phone
    .until(({ ram }) => ram.timers.resync !== undefined, FORETELL_WITHIN_MS)
    .then(told, () => {
      // It was switched off meanwhile, or has nothing to wait for.
    })
}

// --- who the phone is

function labelFor(options: PhoneOptions): { readonly label: Label; readonly stateDir: string } {
  const given = readGiven(options)
  const stateDir = resolve(options.state ?? join('data', 'phones', given.mac ?? DEFAULT_MAC))
  const kept = readLabel(stateDir)
  if (kept === undefined) return { label: newLabel(given, options.firmware), stateDir }
  const differs = (['mac', 'serial', 'productName'] as const).find(
    (part) => given[part] !== undefined && given[part] !== kept[part],
  )
  if (differs === undefined) return { label: kept, stateDir }
  throw new PhoneProblem(
    `Cannot use "${stateDir}" for another phone: it belongs to ${kept.productName} ${kept.mac} ${kept.serial}. Choose another folder by --state`,
  )
}

type Given = Partial<Pick<Label, 'mac' | 'serial' | 'productName'>>

function readGiven(options: PhoneOptions): Given {
  const mac = readOption('--mac', options.mac, parseMacAddress, '12 hex digits')
  const serial = readOption('--serial', options.serial, parseSerialNumber, '4 to 32 letters and digits')
  const productName = readOption('--model', options.model, parseProductName, 'a product name like CP-8851-3PCC')
  return {
    ...(mac === undefined ? {} : { mac }),
    ...(serial === undefined ? {} : { serial }),
    ...(productName === undefined ? {} : { productName }),
  }
}

/** @throws PhoneProblem that says what was expected */
export function readOption<T>(
  name: string,
  text: string | undefined,
  parse: (text: string) => T | undefined,
  expected: string,
): T | undefined {
  if (text === undefined) return undefined
  const value = parse(text)
  if (value === undefined) throw new PhoneProblem(`${name} "${text}" cannot be: expected ${expected}`)
  return value
}

function newLabel(given: Given, firmware: string | undefined): Label {
  const mac = given.mac ?? parseMacAddress(DEFAULT_MAC)
  const serial = given.serial ?? parseSerialNumber(DEFAULT_SERIAL)
  const productName = given.productName ?? parseProductName(DEFAULT_MODEL)
  if (mac === undefined || serial === undefined || productName === undefined)
    throw new Error('the defaults are a phone')
  const family = modelInfo(productName)?.firmwareFamily ?? 'sip88xx'
  return { mac, serial, productName, factoryLoad: firmware ?? `${family}.${DEFAULT_RELEASE}` }
}

// --- what it trusts

async function certificateFor(options: PhoneOptions, label: Label, stateDir: string): Promise<ShellTls> {
  const files = certificateFiles(options)
  if (files !== undefined) return files
  const kept = readBoxCertificate(stateDir)
  if (kept !== undefined && options.renewCertificate !== true) return kept
  const dataDir = labFor(options, stateDir)
  if (dataDir === undefined) return {}
  const { mac, serial, productName: model } = label
  const { certPem, keyPem, caPem } = await labCertificate({ dataDir, mac, serial, model })
  keepBoxCertificate(stateDir, { certPem, keyPem, caPem })
  return { certPem, keyPem, caPem }
}

/** The data directory whose lab is to make the certificate; undefined: there is one, or none will be. */
function labFor(options: PhoneOptions, stateDir: string): string | undefined {
  if (certificateFiles(options) !== undefined) return undefined
  if (readBoxCertificate(stateDir) !== undefined && options.renewCertificate !== true) return undefined
  return dataDirFrom(options.data)
}

/** @returns undefined when no file was named */
export function certificateFiles({ ca, cert, key }: CommonOptions): ShellTls | undefined {
  if (ca === undefined && cert === undefined && key === undefined) return undefined
  if ((cert === undefined) !== (key === undefined))
    throw new PhoneProblem('A client certificate needs both --cert and --key')
  return {
    ...(ca === undefined ? {} : { caPem: readPem(ca) }),
    ...(cert === undefined ? {} : { certPem: readPem(cert) }),
    ...(key === undefined ? {} : { keyPem: readPem(key) }),
  }
}

function readPem(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new PhoneProblem(`Cannot read "${path}": ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    })
  }
}

/** The server's data directory: as named, else the usual one if a server has been there. */
export function dataDirFrom(named: string | undefined): string | undefined {
  const given = named ?? nonEmpty(process.env['OFFHOOK_DATA'])
  if (given !== undefined) return resolve(given)
  return existsSync(join('data', 'master.key')) ? resolve('data') : undefined
}

/** `--rc`, else the path of the redirect service at the server's public URL. */
export function rcUrlFrom(given: string | undefined): string {
  const { OFFHOOK_PUBLIC_URL, OFFHOOK_HTTPS_PORT } = process.env
  const server = nonEmpty(OFFHOOK_PUBLIC_URL) ?? `https://localhost:${nonEmpty(OFFHOOK_HTTPS_PORT) ?? '8443'}`
  const url = given ?? `${server.replace(/\/+$/, '')}${RC_PATH}`
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return url
  throw new PhoneProblem(`"${url}" is no URL of a redirect service: expected https://server[:port]${RC_PATH}`)
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === '' ? undefined : text
}

// --- its network

/** @returns the link of `--interface`; undefined without it. Throws PhoneProblem for one that cannot be used. */
export async function linkFrom({ interface: interfaceName, ipv6 }: CommonOptions): Promise<DhcpLink | undefined> {
  if (interfaceName === undefined) {
    if (ipv6 === true) throw usageProblem('--ipv6 needs --interface: without it no DHCP is spoken')
    return undefined
  }
  return openDhcpLink({ interfaceName, ipv6: ipv6 === true })
}

export function dhcpOn(link: DhcpLink | undefined): { readonly dhcp: DhcpLink } {
  assert(link !== undefined, 'without data for a lease there is a link')
  return { dhcp: link }
}

/** @throws PhoneProblem that names the first wrong `--dhcp` */
export function leaseFrom({ dhcp, address }: Pick<CommonOptions, 'dhcp' | 'address'>): Lease {
  const options = new Map<number, string | Uint8Array>()
  let domain: string | undefined
  for (const text of dhcp) {
    const [, name = '', value = ''] = /^([a-z0-9]+)=(.*)$/is.exec(text) ?? []
    if (name.toLowerCase() === 'domain') domain = value
    else options.set(Number(name), dhcpValue(text, name, value))
  }
  return { address: address ?? machineAddress(), domain, options }
}

function dhcpValue(text: string, name: string, value: string): string | Uint8Array {
  switch (name) {
    case '60':
    case '66':
    case '159':
    case '160':
      return value
    case '150': {
      // RFC 5859 §3: a list of IPv4 addresses, four bytes each.
      const addresses = value.split(',').map((address) => ipv4ToBytes(address.trim()))
      if (addresses.every((address) => address !== undefined)) return concatBytes(addresses)
      break
    }
    case '43':
    case '125': {
      const bytes = hexToBytes(value.replace(/[\s:]/g, ''))
      if (bytes !== undefined) return bytes
      break
    }
  }
  if (/^[0-9]+$/.test(name) && isVlanOption(Number(name)) && /^[0-9]{1,4}$/.test(value)) return value
  throw new PhoneProblem(
    `--dhcp "${text}" cannot be: expected 66, 159, 160 or 60=text, 150=address, 43 or 125=hex, 132=number of a voice VLAN, or domain=name`,
  )
}

/** The first address that others can reach, else the loopback one. */
function machineAddress(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? [])
  return addresses.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.1'
}

/** @returns undefined: the port that the phone itself wants */
function webPortFrom({ webPort: text, interface: name }: PhoneOptions): number | undefined {
  if (text === undefined) return name === undefined ? 0 : undefined
  const port = Number(text)
  if (/^[0-9]+$/.test(text) && port < 65_536) return port
  throw new PhoneProblem(`--web-port "${text}" is no port: expected 0 to 65535`)
}

function gather(value: string, before: readonly string[]): readonly string[] {
  return [...before, value]
}
