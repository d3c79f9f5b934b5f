import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Command } from 'commander'
import type { CertificateIdentity } from '../protocol/http/mod.ts'
import { parseMacAddress, parseProductName, parseSerialNumber } from '../protocol/identity.ts'
import { type Settings, StartProblem } from '../server/config.ts'
import { type CertificatePair, issueDeviceCertificate } from '../server/pki/mod.ts'
import { ensureLabCa } from '../server/store/mod.ts'
import { printJson } from './output.ts'
import { addSettingOptions, settingsFrom } from './settings.ts'
import { refuseAbsentStore, withStore } from './store-access.ts'

/** PEM files of a virtual phone: its factory certificate and the CA of the server. */
export interface LabCertificate {
  readonly certPem: string
  readonly keyPem: string
  readonly caPem: string
}

export function registerLabCommand(program: Command): void {
  const lab = program.command('lab').description('The lab: what stands in for the factory')
  addSettingOptions(lab.command('cert').description('Make a factory certificate: cert.pem, key.pem, ca.pem'))
    .requiredOption('--mac <mac>', 'MAC address')
    .requiredOption('--serial <serial>', 'serial number')
    .requiredOption('--model <product>', 'product name, e.g. CP-8851-3PCC')
    .requiredOption('--out <dir>', 'folder to write to')
    .option('--init', 'also in a data directory that no server has used yet')
    .option('--json', 'print JSON: the names of the files')
    .action(async (options) => {
      const identity = readIdentity(options)
      const settings = settingsFrom(options)
      if (options.init !== true) refuseAbsentStore(settings, 'Start the server there first, or give --init')
      const { out } = options
      await writeFiles(out, await issueFor(settings, identity))
      if (options.json !== true) return
      const [cert, key, ca] = ['cert.pem', 'key.pem', 'ca.pem'].map((name) => join(out, name))
      printJson({ ...identity, cert, key, ca })
    })
}

async function writeFiles(folder: string, made: LabCertificate): Promise<void> {
  try {
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, 'cert.pem'), made.certPem)
    await writeFile(join(folder, 'key.pem'), made.keyPem, { mode: 0o600 })
    await writeFile(join(folder, 'ca.pem'), made.caPem)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new StartProblem(`Cannot write to "${folder}": ${reason}. --out must be a folder that this user may write to`)
  }
}

/** Throws StartProblem that names the first wrong one. */
export function readIdentity(options: { mac: string; serial: string; model: string }): CertificateIdentity {
  const mac = parseMacAddress(options.mac)
  if (mac === undefined) throw new StartProblem(`--mac "${options.mac}" is no MAC address; expected 12 hex digits`)
  const serial = parseSerialNumber(options.serial)
  if (serial === undefined) {
    throw new StartProblem(`--serial "${options.serial}" is no serial number; expected 4 to 32 letters and digits`)
  }
  const productName = parseProductName(options.model)
  if (productName === undefined) {
    throw new StartProblem(`--model "${options.model}" is no product name; expected one like CP-8851-3PCC`)
  }
  return { mac, serial, productName }
}

/** Signed by the lab CA of the data directory, beside a running server or alone. */
export function labCertificate(phone: {
  readonly dataDir: string
  readonly mac: string
  readonly serial: string
  readonly model: string
}): Promise<LabCertificate> {
  return openLab(phone.dataDir)(phone)
}

/** The lab of a data directory for many phones: its CA is asked for once, at the first of them. */
export function openLab(
  dataDir: string,
): (phone: { readonly mac: string; readonly serial: string; readonly model: string }) => Promise<LabCertificate> {
  let lab: Promise<Lab> | undefined
  return async (phone) => {
    const identity = readIdentity(phone)
    if (lab === undefined) {
      refuseAbsentLab(dataDir)
      lab = loadLab(settingsFrom({ data: dataDir }))
    }
    return issueBy(await lab, identity)
  }
}

/** Throws StartProblem for a data directory that nobody has used. */
export function refuseAbsentLab(dataDir: string): void {
  const advice = 'Start the server there first, or name the data directory of one that runs'
  refuseAbsentStore(settingsFrom({ data: dataDir }), advice)
}

interface Lab {
  readonly deviceCa: CertificatePair
  readonly caPem: string
}

function loadLab(settings: Settings): Promise<Lab> {
  return withStore(settings, async (platform) => ({
    deviceCa: await ensureLabCa(platform.db, platform.vault, Date.now()),
    caPem: platform.secrets.serverCa.certPem,
  }))
}

async function issueBy({ deviceCa, caPem }: Lab, identity: CertificateIdentity): Promise<LabCertificate> {
  return { ...(await issueDeviceCertificate(deviceCa, identity, Date.now())), caPem }
}

async function issueFor(settings: Settings, identity: CertificateIdentity): Promise<LabCertificate> {
  return issueBy(await loadLab(settings), identity)
}
