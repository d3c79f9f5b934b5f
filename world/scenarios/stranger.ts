/** Somebody who knows a phone's MAC, its sealed path and its used code, and tries every door with them. */
import type { FetchRequest } from '../../phone/agent/mod.ts'
import { parseMacAddress, productSeriesName } from '../../protocol/identity.ts'
import { assert } from '../../protocol/result.ts'
import type { Caller, World, WorldPhone } from '../mod.ts'

const ADDRESS = '2a0a:dead::1'
const NO_PATH = '/s/00000000000000000000000000000000.cfg'

/** Without a certificate, and with that of another phone from the same factory. The server must be up. */
export async function strangerTriesEverything(
  world: World,
  phone: WorldPhone,
  usedCode: string | undefined,
): Promise<void> {
  const { mac, productName } = phone.hardware
  const paths = [
    '/cisco-init',
    '/cisco-init?auth=1',
    ...(usedCode === undefined ? [] : [`/cisco-init/${usedCode}`]),
    `/${productSeriesName(productName)}.xml`,
    `/phones/${mac}.cfg`,
    sealedPathOf(phone),
    '/cisco-ack',
  ]
  const nobody: Caller = { address: ADDRESS, certificate: undefined }
  const other: Caller = { address: ADDRESS, certificate: certificateOfAnother(phone) }
  for (const path of paths) {
    await world.server.answerHttp(askedBy(phone, 'http', path), nobody)
    await world.server.answerHttp(askedBy(phone, 'https', path), nobody)
    await world.server.answerHttp(askedBy(phone, 'https', path), other)
    const answer = await world.server.answerTftp(path, { address: ADDRESS, port: 1069 })
    if (answer.kind === 'file') answer.close?.()
  }
}

function sealedPathOf(phone: WorldPhone): string {
  return /\/s\/[0-9a-f]{32}\.cfg/.exec(phone.parameter('Profile_Rule') ?? '')?.[0] ?? NO_PATH
}

function certificateOfAnother(phone: WorldPhone): Caller['certificate'] {
  const { certificate } = phone.caller
  const mac = parseMacAddress(phone.hardware.mac.replace(/^00562b/, '0004f2'))
  assert(mac !== undefined && mac !== phone.hardware.mac, 'another phone has another MAC')
  return certificate === undefined ? undefined : { ...certificate, mac }
}

/** The User-Agent claims to be the phone. */
function askedBy(phone: WorldPhone, scheme: 'http' | 'https', path: string): FetchRequest {
  const { productName, mac } = phone.hardware
  return {
    purpose: 'profile',
    scheme,
    host: '',
    port: 0,
    path,
    method: 'GET',
    headers: [['User-Agent', `Cisco-${productName}/12.0.2 (${mac})`]],
    body: undefined,
    bytesMax: 1_000_000,
    customCaPem: undefined,
    certificateName: undefined,
  }
}
