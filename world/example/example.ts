/**
 * The example of `npm start`: a provider, its registrar, and one virtual phone that goes from sealed box to registered
 * before your eyes. What is told is what the phone and the platform say themselves.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseMacAddress, parseProductName, parseSerialNumber } from '../../protocol/identity.ts'
import { assert } from '../../protocol/result.ts'
import type { Hardware } from '../../phone/agent/mod.ts'
import { type Phone, startPhone } from '../../phone/shell/mod.ts'
import type { Server } from '../../server/main.ts'
import { issueDeviceCertificate } from '../../server/pki/mod.ts'
import { ensureLabCa } from '../../server/store/mod.ts'
import { type Registrar, startRegistrar } from '../registrar/mod.ts'
import { clock, takeJourney } from './journey.ts'
import { readKept } from './kept.ts'
import { printNextSteps } from './next-steps.ts'
import { freeTcpPort } from './ports.ts'
import { type ExampleData, type ExampleProvider, openProvider } from './provider.ts'

export interface ExampleOptions {
  readonly server: Server
  /** Of the stand-in registrar; undefined: where it was at earlier starts, else the usual one. */
  readonly registrarPort: number | undefined
  readonly usualRegistrarPort: number
  /** Port of the phone's own web server. */
  readonly phonePort: number
  readonly tell: (line: string) => void
}

export interface Example {
  readonly phone: Phone
  /** Takes the phone from where it is to registered, and prints what to try next. Never rejects. */
  journey(): Promise<void>
  stop(): Promise<void>
}

const HOST = '127.0.0.1'
/** A real phone takes minutes for these; nobody wants to watch that. */
const PACE = { bootMs: 1500, flashMs: 3000, randomDelayUnitSeconds: 1 }

/** Opens registrar, provider and phone, or nothing: what was opened is closed again when the rest fails. */
export async function startExample(options: ExampleOptions): Promise<Example> {
  const { server, tell } = options
  const startedAt = Date.now()
  const registrar = await openRegistrar(options)
  try {
    const provider = await openProvider(server, { host: HOST, port: registrar.port })
    for (const [userId, password] of provider.passwords) registrar.setPassword(userId, password)
    tellProvider(provider, registrar, tell)
    const said = new Set<string>()
    const phone = await powerOn(options, provider, said)
    let stopped = false
    let underWay: Promise<void> = Promise.resolve()
    const tellUntilStopped = (line: string): void => (stopped ? undefined : tell(line))
    async function travel(): Promise<void> {
      const registered = await takeJourney({ server, provider, phone, tell: tellUntilStopped, said, startedAt })
      if (!stopped) await printNextSteps({ server, provider, phone, registered, tell: tellUntilStopped })
    }
    return {
      phone,
      journey() {
        underWay = travel()
        return underWay
      },
      async stop() {
        stopped = true
        await phone.switchOff()
        // What it asks of the platform ends before the platform does.
        await underWay
        await registrar.close()
      },
    }
  } catch (error) {
    await registrar.close()
    throw error
  }
}

async function openRegistrar(options: ExampleOptions): Promise<Registrar> {
  const { server, registrarPort, usualRegistrarPort, tell } = options
  const kept = await readKept(server.platform.settings.dataDir)
  const port = registrarPort ?? kept?.registrarPort ?? usualRegistrarPort
  try {
    return await startRegistrar({ host: HOST, port })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'EADDRINUSE' && code !== 'EACCES') throw error
    const registrar = await startRegistrar({ host: HOST, port: 0 })
    const why = code === 'EACCES' ? 'needs a privilege' : 'is taken'
    tell(`  UDP port ${port} ${why}, so the registrar listens on ${registrar.port} (OFFHOOK_REGISTRAR_PORT chooses).`)
    return registrar
  }
}

function tellProvider({ data }: ExampleProvider, registrar: Registrar, tell: (line: string) => void): void {
  const { account, phone, lines } = data
  tell('')
  tell(
    `  The provider has the account "${account.name}" (Customer ID ${account.customerId}) with ${lines.length} lines,`,
  )
  tell(
    `  an open enrolment window, and the phone ${phone.model}, MAC ${phone.mac}, serial ${phone.serial} on its books.`,
  )
  tell(`  Its registrar, a small stand-in, listens on ${HOST}:${registrar.port} (UDP).`)
  tell('')
}

async function powerOn(options: ExampleOptions, provider: ExampleProvider, said: Set<string>): Promise<Phone> {
  const { server, tell } = options
  const stateDir = join(server.platform.settings.dataDir, 'example-phone')
  const hardware = hardwareOf(provider.data.phone, `${server.publicUrl}/software/edos/callhome/rc`)
  const webPort = await freeTcpPort(HOST, options.phonePort)
  if (webPort !== options.phonePort && options.phonePort !== 0) {
    tell(
      `  Port ${options.phonePort} is taken, so the phone's web pages are on ${webPort} (OFFHOOK_PHONE_PORT chooses).`,
    )
  }
  return startPhone({
    hardware,
    stateDir,
    webPort,
    tls: await factoryCertificate(server, hardware, stateDir),
    policies: PACE,
    lease: { address: HOST, domain: undefined, options: new Map() },
    onEvent(event, at) {
      said.add(event.name)
      tell(`  ${clock(at)}  phone    ${event.text}`)
    },
  })
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
    // The key is written first, so with a certificate both are there.
    return { certPem: await readFile(files.cert, 'utf8'), keyPem: await readFile(files.key, 'utf8'), caPem }
  } catch {
    // A phone fresh from the factory.
    const { platform } = server
    const ca = await ensureLabCa(platform.db, platform.vault, Date.now())
    const pair = await issueDeviceCertificate(ca, hardware, Date.now())
    await writeFile(files.key, pair.keyPem, { mode: 0o600 })
    await writeFile(files.cert, pair.certPem)
    return { ...pair, caPem }
  }
}
