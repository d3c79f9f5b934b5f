/** What came in the box with a phone, kept in its folder: who it is, and its factory certificate. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type MacAddress,
  parseMacAddress,
  parseProductName,
  parseSerialNumber,
  type ProductName,
  type SerialNumber,
} from '../../protocol/identity.ts'
import { PhoneProblem } from './problem.ts'
import type { ShellTls } from './trust.ts'

const IDENTITY_FILE = 'hardware.json'
const CERTIFICATE_FILES = { certPem: 'cert.pem', keyPem: 'key.pem', caPem: 'ca.pem' } as const

/** The label of the box. */
export interface Label {
  readonly mac: MacAddress
  readonly serial: SerialNumber
  readonly productName: ProductName
  readonly factoryLoad: string
}

/** Factory certificate, its key, and the CA of the server. */
export type BoxCertificate = Required<ShellTls>

/** @returns the label of the phone that lives in the folder, if one does. Throws PhoneProblem for a file that is none. */
export function readLabel(stateDir: string): Label | undefined {
  const path = join(stateDir, IDENTITY_FILE)
  const text = readIfThere(path)
  if (text === undefined) return undefined
  const label = labelOf(text)
  if (label !== undefined) return label
  throw new PhoneProblem(`Cannot read who the phone is from "${path}". Remove its folder to start with a new phone`)
}

export function keepLabel(stateDir: string, label: Label): void {
  mkdirSync(stateDir, { recursive: true, mode: 0o700 })
  writeFileSync(join(stateDir, IDENTITY_FILE), `${JSON.stringify(label, null, 2)}\n`, { mode: 0o600 })
}

/** @returns undefined unless all three files are there */
export function readBoxCertificate(stateDir: string): BoxCertificate | undefined {
  const certPem = readIfThere(join(stateDir, CERTIFICATE_FILES.certPem))
  const keyPem = readIfThere(join(stateDir, CERTIFICATE_FILES.keyPem))
  const caPem = readIfThere(join(stateDir, CERTIFICATE_FILES.caPem))
  return certPem === undefined || keyPem === undefined || caPem === undefined ? undefined : { certPem, keyPem, caPem }
}

export function keepBoxCertificate(stateDir: string, certificate: BoxCertificate): void {
  mkdirSync(stateDir, { recursive: true, mode: 0o700 })
  for (const [part, file] of Object.entries(CERTIFICATE_FILES)) {
    const path = join(stateDir, file)
    // A file that is there keeps its rights when it is written over.
    rmSync(path, { force: true })
    writeFileSync(path, certificate[part as keyof BoxCertificate], { mode: 0o600 })
  }
}

function labelOf(text: string): Label | undefined {
  try {
    const json = JSON.parse(text) as Readonly<Record<string, unknown>> | null
    const mac = parseMacAddress(String(json?.['mac']))
    const serial = parseSerialNumber(String(json?.['serial']))
    const productName = parseProductName(String(json?.['productName']))
    const factoryLoad = json?.['factoryLoad']
    if (mac === undefined || serial === undefined || productName === undefined) return undefined
    return typeof factoryLoad === 'string' ? { mac, serial, productName, factoryLoad } : undefined
  } catch {
    // Not JSON: the caller says what to do.
    return undefined
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new PhoneProblem(`Cannot read "${path}": ${String(cause)}`, { cause })
  }
}
