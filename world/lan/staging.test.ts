/** An afternoon on the bench: fifty boxes and three with the wrong serial number. Source: guide: In-House Preprovisioning; MPP §10. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { LAN_INTERFACE, type Running } from '../../phone/shell/dhcp/testing-lan.ts'
import { type DaemonRun, startDaemon } from './daemons.ts'
import { type Box, LanBench, MODEL } from './testing.ts'

// Phones come back to tell of their registration within two minutes; fifty of them share this machine.
vi.setConfig({ testTimeout: 900_000, hookTimeout: 900_000 })

const GOOD = 50
const WRONG = 3

interface StagingJson {
  readonly batch: { readonly state: string }
  readonly counts: Readonly<Record<string, number>>
  readonly boxes: readonly {
    readonly mac: string
    readonly stage: string
    readonly keysConfirmed: boolean
    readonly lines: readonly { readonly userId: string }[]
    readonly problem: { readonly message: string } | null
  }[]
}

const bench = await LanBench.open()
let kea: DaemonRun
const fleets: Running[] = []
/** The phones in the boxes with the wrong labels. */
let lying: Running
let batch = ''
const boxes: readonly Box[] = Array.from({ length: GOOD + WRONG }, () => bench.box())
const wrong = boxes.slice(GOOD)

beforeAll(async () => {
  const account = await bench.customer(GOOD + WRONG)
  kea = await startDaemon(bench, 'kea', ['--options', '66,150'])
  const count = ['--count', String(boxes.length)]
  batch = (await bench.ran(['stage', 'new', '--account', account, '--model', MODEL, ...count])).trim()
})
afterAll(async () => {
  await Promise.all(fleets.map((fleet) => fleet.stop('SIGINT')))
  await kea?.stop()
  await bench.close()
})

/** As a scanner or a delivery note gives them. */
function fileOf(name: string, rows: readonly Box[]): string {
  const file = join(bench.folder, name)
  writeFileSync(
    file,
    ['mac,serial,model', ...rows.map(({ mac, serial, model }) => `${mac},${serial},${model}`)].join('\n'),
  )
  return file
}

/** Connects phones with nothing in their memory: in one process, each with its own address. */
function plugIn(name: string, rows: readonly Box[]): Running {
  const phones = ['--boxes', fileOf(name, rows), '--arrival', 'even:20', '--until', 'never', '--duration', '1800']
  const args = ['fleet', '--interface', LAN_INTERFACE, ...phones, '--fast', '--json']
  const fleet = bench.offhook(bench.host('b'), args)
  fleets.push(fleet)
  return fleet
}

/** The label of another box. */
function mislabelled({ mac, serial, model }: Box): Box {
  return { mac, serial: serial.replace('FCH', 'FOC'), model }
}

function staging(): Promise<StagingJson> {
  return bench.api<StagingJson>('GET', `batches/${batch}/staging`)
}

async function outcome(args: readonly string[]): Promise<{ readonly code: number | null; readonly said: string }> {
  const { code, output, errors } = await bench.offhook(bench.server, args).ended
  return { code, said: output + errors }
}

describe('fifty-three boxes on one bench', () => {
  it('are scanned, three of them with the label of another phone', async () => {
    const scanned = fileOf('scanned.csv', [...boxes.slice(0, GOOD), ...wrong.map(mislabelled)])
    const { code, said } = await outcome(['stage', 'scan', batch, scanned])
    expect({ code, said }).toEqual({ code: 0, said: expect.stringContaining(String(boxes.length)) as string })
    expect((await staging()).counts['missing']).toBe(boxes.length)
  })

  it('come up by DHCP and TFTP: fifty end registered with progress to see, and the three are named', async () => {
    const watch = bench.offhook(bench.server, [
      'stage',
      'watch',
      batch,
      '--json',
      '--until',
      'registered',
      '--timeout',
      '420',
    ])
    plugIn('good.csv', boxes.slice(0, GOOD))
    lying = plugIn('wrong.csv', wrong)
    await vi.waitFor(async () => expect((await staging()).counts['registered']).toBe(GOOD), {
      timeout: 400_000,
      interval: 2000,
    })
    const { counts, boxes: seen } = await staging()
    expect(counts).toMatchObject({ registered: GOOD, 'wrong-serial': WRONG })
    expect(await bench.registered()).toHaveLength(GOOD)
    expect(seen.filter(({ stage }) => stage === 'registered').every(({ keysConfirmed }) => keysConfirmed)).toBe(true)
    const named = seen.filter(({ stage }) => stage === 'wrong-serial')
    expect(named.map(({ mac }) => mac)).toEqual(wrong.map(({ mac }) => mac))
    for (const [index, { problem }] of named.entries()) {
      expect(problem?.message).toContain(wrong[index]?.serial)
      expect(problem?.message).toContain(wrong[index]?.serial.replace('FCH', 'FOC'))
    }
    // Whoever watched saw them come, one after another.
    const changes = watch.lines
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as { mac?: string })
    expect(new Set(changes.map(({ mac }) => mac).filter((mac) => mac !== undefined)).size).toBe(boxes.length)
    const { code, said } = await outcome(['stage', 'missing', batch])
    expect(code).toBe(0)
    for (const { serial } of wrong) expect(said).toContain(serial)
    await watch.stop('SIGINT')
  })

  it('have a label each, with MAC address and line', async () => {
    const file = join(bench.folder, 'labels.pdf')
    await bench.ran(['stage', 'labels', batch, '--out', file])
    const { output } = await bench.server.exec('pdftotext', ['-layout', file, '-'])
    for (const { mac, lines } of (await staging()).boxes) {
      expect(output).toContain(mac.toUpperCase().replace(/..(?=.)/g, '$&:'))
      expect(output).toContain(lines[0]?.userId)
    }
  })

  it('do not ship while three are not ready; put right, all ship with their keys confirmed, and the batch is locked', async () => {
    const refused = await outcome(['stage', 'ship', batch])
    expect(refused.code).toBe(1)
    for (const { mac } of wrong) expect(refused.said.replaceAll(':', '').toLowerCase()).toContain(mac)
    for (const { mac } of wrong) await bench.ran(['stage', 'remove', batch, mac])
    await bench.ran(['stage', 'scan', batch, fileOf('again.csv', wrong)])
    // Unplugged and connected again, they need not wait for their next try.
    await lying.stop('SIGINT')
    plugIn('right.csv', wrong)
    const watched = await outcome(['stage', 'watch', batch, '--until', 'registered', '--timeout', '600'])
    expect(watched).toMatchObject({ code: 0 })
    await bench.ran(['stage', 'ship', batch])
    expect((await staging()).batch.state).toBe('shipped')
    const late = await outcome(['stage', 'remove', batch, boxes[0]?.mac ?? ''])
    expect(late.code).toBe(1)
  })
})
