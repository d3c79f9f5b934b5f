/**
 * The example of `npm start`: a provider, its registrar, and one virtual phone that goes from sealed box to registered
 * before your eyes. What is told is what the phone and the platform say themselves.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { printResyncUrl } from '../../protocol/http/mod.ts'
import { parseMacAddress, parseProductName, parseSerialNumber } from '../../protocol/identity.ts'
import { assert } from '../../protocol/result.ts'
import { type Agent, type Hardware, status } from '../../phone/agent/mod.ts'
import { type Phone, startPhone } from '../../phone/shell/mod.ts'
import type { Server } from '../../server/main.ts'
import { issueDeviceCertificate } from '../../server/pki/mod.ts'
import { ensureLabCa } from '../../server/store/mod.ts'
import { startRegistrar } from '../registrar/mod.ts'
import { type ExampleData, type ExampleProvider, openProvider } from './provider.ts'
import { printNextSteps } from './next-steps.ts'

export interface ExampleOptions {
  readonly server: Server
  /** Port of the stand-in registrar; it stands in the lines, so it stays the same. */
  readonly registrarPort: number
  /** Port of the phone's own web server. */
  readonly phonePort: number
  readonly tell: (line: string) => void
}

export interface Example {
  readonly phone: Phone
  stop(): Promise<void>
}

/** A real phone takes a minute or more; nobody wants to watch that. */
const BOOT_MS = 1500
const FLASH_MS = 3000
const REGISTER_WAIT_MS = 90_000
/** Modes in which its web pages answer. */
const NETWORKED: readonly Agent['ram']['mode'][] = ['discovering', 'running']
const CUSTOMER_ID_PATH = '/cisco-init/'

/** Runs the journey of the retail customer; resolves when the line is registered or it is clear that it is not. */
export async function startExample(options: ExampleOptions): Promise<Example> {
  const { server, tell } = options
  const lookup: { provider: ExampleProvider | undefined } = { provider: undefined }
  const registrar = await startRegistrar({
    host: '127.0.0.1',
    port: options.registrarPort,
    passwordOf: (userId) => lookup.provider?.passwords.get(userId),
  })
  const provider = await openProvider(server, `127.0.0.1:${registrar.port}`)
  lookup.provider = provider
  const { account, phone: label, lines } = provider.data
  tell('')
  tell(`  The provider has the account "${account.name}" (Customer ID ${account.customerId}) with ${lines.length} lines,`)
  tell(`  an open enrolment window, and the phone ${label.model}, MAC ${label.mac}, serial ${label.serial} on its books.`)
  tell('')
  const phone = await powerOn(options, provider)
  try {
    await journey(phone, options, provider)
  } catch (error) {
    tell(`  The phone did not register: ${error instanceof Error ? error.message : String(error)}`)
  }
  printNextSteps({ server, provider, phone, tell })
  return {
    phone,
    async stop() {
      await phone.switchOff()
      await registrar.close()
    },
  }
}

async function powerOn(options: ExampleOptions, provider: ExampleProvider): Promise<Phone> {
  const { server, tell } = options
  const stateDir = join(server.platform.settings.dataDir, 'example-phone')
  const hardware = hardwareOf(provider.data.phone, `${server.publicUrl}/software/edos/callhome/rc`)
  return startPhone({
    hardware,
    stateDir,
    webPort: options.phonePort,
    tls: await factoryCertificate(server, hardware, stateDir),
    policies: { bootMs: BOOT_MS, flashMs: FLASH_MS },
    lease: { address: '127.0.0.1', domain: undefined, options: new Map() },
    onEvent: (event, at) => tell(`  ${clock(at)}  phone    ${event.text}`),
  })
}

/** A phone that was never provisioned is told what the guide tells a customer to do; any other one acts by itself. */
async function journey(phone: Phone, options: ExampleOptions, provider: ExampleProvider): Promise<void> {
  const { server, tell } = options
  await phone.until((agent) => phone.webUrl() !== undefined && NETWORKED.includes(agent.ram.mode), REGISTER_WAIT_MS)
  if (phone.agent().flash.customization === 'Open' && !phone.agent().flash.resyncSucceeded) {
    const url = `${server.publicUrl}${CUSTOMER_ID_PATH}${provider.data.account.customerId}`
    const command = printResyncUrl(phone.webUrl() ?? '', url)
    tell(`  ${clock(Date.now())}  customer opens ${command}`)
    const response = await fetch(command)
    tell(`  ${clock(Date.now())}  customer sees: ${response.status} ${(await response.text()).replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ').trim().slice(0, 120)}`)
  } else {
    tell('  This phone was provisioned at an earlier start: it remembers, and resyncs by itself after power-up.')
  }
  await phone.until(isRegistered, REGISTER_WAIT_MS)
  await tellServerSide(provider, tell)
}

function isRegistered(agent: Agent): boolean {
  return status(agent, Date.now()).lines.some((line) => line.state === 'registered')
}

async function tellServerSide(provider: ExampleProvider, tell: (line: string) => void): Promise<void> {
  const { items } = await provider.api.get<{ items: readonly { at: string; text: string; name: string }[] }>(
    `devices/${provider.data.phone.mac}/events?limit=20`,
  )
  for (const event of [...items].reverse()) {
    tell(`  ${clock(Date.parse(event.at))}  platform ${event.text} (${event.name})`)
  }
}

function hardwareOf(label: ExampleData['phone'], rcUrl: string): Hardware {
  const mac = parseMacAddress(label.mac)
  const serial = parseSerialNumber(label.serial)
  const productName = parseProductName(label.model)
  assert(mac !== undefined && serial !== undefined && productName !== undefined, 'the example names a real phone')
  return {
    mac,
    serial,
    productName,
    hardwareVersion: '2.0.1',
    factoryLoad: 'sip88xx.12-0-2MPP0001-116',
    clientCertificate: true,
    rcUrl,
  }
}

/** Made once, as a factory does, and kept with the phone. */
async function factoryCertificate(server: Server, hardware: Hardware, stateDir: string) {
  await mkdir(stateDir, { recursive: true, mode: 0o700 })
  const caPem = server.platform.secrets.serverCa.certPem
  const files = { cert: join(stateDir, 'cert.pem'), key: join(stateDir, 'key.pem') }
  try {
    return { certPem: await readFile(files.cert, 'utf8'), keyPem: await readFile(files.key, 'utf8'), caPem }
  } catch {
    // A phone fresh from the factory.
    const { platform } = server
    const ca = await ensureLabCa(platform.db, platform.vault, Date.now())
    const pair = await issueDeviceCertificate(ca, hardware, Date.now())
    await writeFile(files.cert, pair.certPem)
    await writeFile(files.key, pair.keyPem, { mode: 0o600 })
    return { ...pair, caPem }
  }
}

function clock(at: number): string {
  return new Date(at).toISOString().slice(11, 19)
}
