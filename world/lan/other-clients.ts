/** Test support: DHCP clients that others wrote, and what they were told. */
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { LAN_INTERFACE } from '../../phone/shell/dhcp/testing-lan.ts'
import type { LanBench } from './testing.ts'

/** All that our phones may be told, and 12 and 15 of which udhcpc asks anyway. */
const ASKED = [43, 66, 125, 132, 150, 159, 160]

/** What udhcpc calls options that it knows; the others come as `opt<number>` in hex. */
const NAMES: Readonly<Record<string, number>> = { tftp: 66, vlanid: 132, vendorclass: 60 }

/**
 * Takes a lease by BusyBox's udhcpc, in a namespace of its own.
 * @param vendorClass  its option 60
 * @returns the address, and each option that it was told: text where udhcpc knows the option, else hex
 */
export async function askByUdhcpc(
  bench: LanBench,
  vendorClass: string,
): Promise<{ readonly address: string; readonly options: ReadonlyMap<number, string> }> {
  const where = bench.host('u')
  const folder = bench.lan.folder()
  const script = join(folder, 'script')
  const told = join(folder, 'told')
  writeFileSync(script, `#!/bin/sh\n[ "$1" = bound ] && env > '${told}'\nexit 0\n`)
  chmodSync(script, 0o755)
  const ask = ASKED.flatMap((code) => ['-O', String(code)])
  const args = ['-i', LAN_INTERFACE, '-f', '-q', '-n', '-t', '8', '-T', '2', '-V', vendorClass, ...ask, '-s', script]
  const { code, errors } = await where.exec('/usr/sbin/udhcpc', args)
  if (code !== 0) throw new Error(`udhcpc got no lease: ${errors}`)
  const pairs = readFileSync(told, 'utf8').split('\n').map(pairOf)
  const options = new Map(pairs.flatMap(([name, value]) => optionOf(name, value)))
  return { address: pairs.find(([name]) => name === 'ip')?.[1] ?? '', options }
}

function pairOf(line: string): readonly [string, string] {
  const equals = line.indexOf('=')
  return [line.slice(0, equals), line.slice(equals + 1)]
}

function optionOf(name: string, value: string): readonly (readonly [number, string])[] {
  const known = NAMES[name]
  if (known !== undefined) return [[known, value]]
  const [, code] = /^opt([0-9]+)$/.exec(name) ?? []
  return code === undefined ? [] : [[Number(code), value]]
}
