import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type MacAddress, macWithColons, type SerialNumber } from '../../protocol/identity.ts'
import { endScan, isCsvHeader, NOTHING_SCANNED, readScan, type Scan, type Scanning } from './stage-pairing.ts'

/** What the lines mean one after the other, the half at the end too. */
function scanned(...lines: readonly string[]): readonly Scan[] {
  let state: Scanning = NOTHING_SCANNED
  const scans = lines.flatMap((line) => {
    const read = readScan(state, line)
    state = read.state
    return read.scans
  })
  return [...scans, ...[endScan(state)].flatMap((scan) => scan ?? [])]
}

function shortly(scans: readonly Scan[]): readonly string[] {
  return scans.map((scan) => {
    switch (scan.kind) {
      case 'box':
        return ['box', scan.box.mac, scan.box.serial, ...((scan.box.model ?? '') ? [scan.box.model] : [])].join(' ')
      case 'half':
        return `${scan.suspicious ? 'suspicious ' : ''}${scan.half.kind} ${scan.half.value}`
      case 'model':
        return `model ${scan.model}`
      case 'forgotten':
        return `forgotten ${scan.half?.value ?? 'nothing'}`
      default:
        return scan.kind
    }
  })
}

const MAC = '000e08a1b2c3' as MacAddress
const BOX = 'box 000e08a1b2c3 FCH2305DMH0'

describe('a line of a scanner with a whole box', () => {
  it.each([
    ['000E08A1B2C3\tFCH2305DMH0'],
    ['000e08a1b2c3 fch2305dmh0'],
    ['00:0e:08:a1:b2:c3,FCH2305DMH0'],
    ['00-0E-08-A1-B2-C3;FCH2305DMH0'],
    ['000e.08a1.b2c3 , FCH2305DMH0'],
    ['00 0E 08 A1 B2 C3 FCH2305DMH0'],
    ['FCH2305DMH0 000E08A1B2C3'],
    ['FCH2305DMH0;00:0E:08:A1:B2:C3'],
    ['MAC:000E08A1B2C3 SN:FCH2305DMH0'],
    ['mac: 00:0e:08:a1:b2:c3, s/n: fch2305dmh0'],
    ['S/N FCH2305DMH0\tMAC 000E08A1B2C3'],
    ['Serial Number: FCH2305DMH0; MAC Address: 000E08A1B2C3'],
    ['serial_no=FCH2305DMH0 mac_id=000E08A1B2C3'],
    ['Serial No.: FCH2305DMH0 MAC-ADDR#000E08A1B2C3'],
    ['"000E08A1B2C3","FCH2305DMH0"'],
    ['\u0002000E08A1B2C3\tFCH2305DMH0\u0003\r'],
    ['\ufeff000E08A1B2C3,,;FCH2305DMH0;;'],
  ])('reads %j [MPP §3.3]', (line) => {
    expect(shortly(scanned(line))).toEqual([BOX])
  })

  it.each([
    ['000E08A1B2C3 FCH2305DMH0 CP-8851-3PCC', 'CP-8851-3PCC'],
    ['PID: cp-8851-3pcc-k9= SN: FCH2305DMH0 MAC: 000E08A1B2C3', 'CP-8851-3PCC'],
    ['000E08A1B2C3 FCH2305DMH0 DP-9861-K9', 'DP-9861'],
  ])('takes the model of %j with it [MPP §13.1]', (line, model) => {
    expect(shortly(scanned(line))).toEqual([`${BOX} ${model}`])
  })

  it.each([
    ['000E08A1B2C3 88012BA01234', 'box 000e08a1b2c3 88012BA01234'],
    ['88012BA01234 00:0E:08:A1:B2:C3', 'box 000e08a1b2c3 88012BA01234'],
    ['SN:88012BA01234 000E08A1B2C3', 'box 000e08a1b2c3 88012BA01234'],
    ['88012BA01234 MAC:000E08A1B2C3', 'box 000e08a1b2c3 88012BA01234'],
    ['88012BA01234 000E08A1B2C3', 'box 000e08a1b2c3 88012BA01234'],
    ['000E08A1B2C3 990123456789', 'box 000e08a1b2c3 990123456789'],
    ['990123456789 00:0E:08:A1:B2:C3', 'box 000e08a1b2c3 990123456789'],
  ])('knows the serial number in %j, which looks like a MAC address [MPP §3.3]', (line, expected) => {
    expect(shortly(scanned(line))).toEqual([expected])
  })
})

describe('two lines of a scanner', () => {
  it.each<[readonly string[], readonly string[]]>([
    [
      ['000E08A1B2C3', 'FCH2305DMH0'],
      ['mac 000e08a1b2c3', BOX],
    ],
    [
      ['SN:FCH2305DMH0', '', '  ', 'MAC:00-0E-08-A1-B2-C3'],
      ['serial FCH2305DMH0', BOX],
    ],
    [
      ['000E08A1B2C3', 'MAC 00:0E:08:A1:B2:C3', 'FCH2305DMH0'],
      ['mac 000e08a1b2c3', 'mac 000e08a1b2c3', BOX],
    ],
    [
      ['000E08A1B2C3', 'CP-8851-3PCC-K9=', 'FCH2305DMH0'],
      ['mac 000e08a1b2c3', 'model CP-8851-3PCC', `${BOX} CP-8851-3PCC`],
    ],
    [
      ['CP-7841-3PCC', '000E08A1B2C3 FCH2305DMH0', '000E08A1B2C4', 'FCH2305DMH1', '000E08A1B2C5 FCH2305DMH2 DP-9861'],
      [
        'model CP-7841-3PCC',
        `${BOX} CP-7841-3PCC`,
        'mac 000e08a1b2c4',
        'box 000e08a1b2c4 FCH2305DMH1 CP-7841-3PCC',
        'box 000e08a1b2c5 FCH2305DMH2 DP-9861',
      ],
    ],
    [
      ['PN: CP-7841-3PCC SN: FCH2305DMH0', '000E08A1B2C3'],
      ['model CP-7841-3PCC', 'serial FCH2305DMH0', `${BOX} CP-7841-3PCC`],
    ],
    [
      ['000E08A1B2C3', '88012BA01234'],
      ['mac 000e08a1b2c3', 'box 000e08a1b2c3 88012BA01234'],
    ],
    [
      ['000E08A1B2C3', 'x', 'FCH2305DMH0', 'X', 'x'],
      [
        'mac 000e08a1b2c3',
        'forgotten 000e08a1b2c3',
        'serial FCH2305DMH0',
        'forgotten FCH2305DMH0',
        'forgotten nothing',
      ],
    ],
    [
      ['000E08A1B2C3', 'rubbish', 'FCH2305DMH0'],
      ['mac 000e08a1b2c3', 'mistake', BOX],
    ],
  ])('%j are %j', (lines, expected) => {
    expect(shortly(scanned(...lines))).toEqual(expected)
  })

  it.each<[readonly string[], readonly string[]]>([
    [
      ['000E08A1B2C3', '000E08A1B2C4', 'FCH2305DMH0'],
      ['mac 000e08a1b2c3', 'mistake', 'mac 000e08a1b2c4', 'box 000e08a1b2c4 FCH2305DMH0'],
    ],
    [
      ['FCH2305DMH0', 'FCH2305DMH1'],
      ['serial FCH2305DMH0', 'mistake', 'serial FCH2305DMH1', 'mistake'],
    ],
    [
      ['FCH2305DMH9', '000E08A1B2C3 FCH2305DMH0'],
      ['serial FCH2305DMH9', 'mistake', BOX],
    ],
  ])('of which one is missing are told, and %j do not pair what does not belong together', (lines, expected) => {
    expect(shortly(scanned(...lines))).toEqual(expected)
  })

  it('in the other order than before are told, since the line before them may be missing', () => {
    const lines = ['000E08A1B2C3', 'FCH2305DMH0', 'FCH2305DMH1']
    expect(shortly(scanned(...lines))).toEqual(['mac 000e08a1b2c3', BOX, 'suspicious serial FCH2305DMH1', 'mistake'])
    const [, , , again] = scanned(...lines, '000E08A1B2C4', 'FCH2305DMH2')
    expect(again).toMatchObject({ kind: 'box', box: { mac: '000e08a1b2c4', serial: 'FCH2305DMH1' } })
  })

  it('names the half that is left at the end', () => {
    expect(scanned('000E08A1B2C3').at(-1)).toEqual({
      kind: 'mistake',
      message: 'The MAC address 00:0e:08:a1:b2:c3 came without a serial number; scan both of this box again',
    })
  })
})

describe('a line that is no box', () => {
  it.each([
    ['882658000003', /article number of the box/],
    ['4006381333931', /article number of the box/],
    ['hello', /^"hello" is neither a MAC address nor a serial number; expected one like 000E08A1B2C3/],
    ['MAC:000E08A1B2', /"000E08A1B2" is no MAC address/],
    ['MAC: FCH2305DMH0', /"FCH2305DMH0" is no MAC address/],
    ['SN: CP-8851', /"CP-8851" is no serial number/],
    ['PN: 8851', /"8851" is no product name/],
    ['00:0E:08:A1:B2:C3 00:0E:08:A1:B2:C4', /several MAC addresses; expected one box a line/],
    ['FCH2305DMH0 FCH2305DMH1', /several serial numbers/],
    ['CP-8851-3PCC CP-8841-3PCC', /several product names/],
    [`${'9'.repeat(60)}`, /^"9{40}…" is neither/],
    ['A'.repeat(401), /The line has 401 characters/],
  ])('%j is a mistake that says why', (line, message) => {
    const scans = scanned(line)
    expect(scans).toEqual([{ kind: 'mistake', message: expect.stringMatching(message) as string }])
  })

  it('is taken for what its label says also where it could be the article number', () => {
    expect(shortly(scanned('MAC:882658000003', 'SN:4006381333931'))).toEqual([
      'mac 882658000003',
      'box 882658000003 4006381333931',
    ])
  })

  it.each(['q', 'Q', ' quit '])('%j ends', (line) => {
    expect(scanned(line)).toEqual([{ kind: 'end' }])
  })

  it.each<[string, boolean]>([
    ['mac,serial', true],
    ['\ufeff"Serial","MAC","model"', true],
    ['name;mac;serial;line', true],
    ['mac', false],
    ['MAC:000E08A1B2C3 SN:FCH2305DMH0', false],
    ['000E08A1B2C3,FCH2305DMH0', false],
  ])('%j names columns: %s', (line, expected) => {
    expect(isCsvHeader(line)).toBe(expected)
  })
})

const macs = fc
  .bigInt({ min: 0n, max: 2n ** 48n - 1n })
  .map((value) => value.toString(16).padStart(12, '0') as MacAddress)
const serials = fc.stringMatching(/^[A-Z]{3}[0-9]{4}[0-9A-Z]{4}$/) as fc.Arbitrary<SerialNumber>
/** Writings that say by themselves what they are. */
const macWritings = fc.constantFrom<(mac: MacAddress) => string>(
  (mac) => macWithColons(mac),
  (mac) => macWithColons(mac).replaceAll(':', '-').toUpperCase(),
  (mac) => mac.replace(/(....)(?!$)/g, '$1.'),
  (mac) => `MAC:${mac.toUpperCase()}`,
  (mac) => `mac ${mac}`,
)
const serialWritings = fc.constantFrom<(serial: SerialNumber) => string>(
  (serial) => serial,
  (serial) => serial.toLowerCase(),
  (serial) => `S/N ${serial}`,
  (serial) => `sn=${serial}`,
)
const boxes = fc.record({ mac: macs, serial: serials, writeMac: macWritings, writeSerial: serialWritings })

describe('any boxes', () => {
  it('come out as they went in, on one line each, whatever the order and the writing', () => {
    const separators = fc.constantFrom('\t', ' ', ',', ';', ', ', ' ; ')
    const rows = fc.array(fc.tuple(boxes, separators, fc.boolean()), { maxLength: 10 })
    fc.assert(
      fc.property(rows, (list) => {
        const lines = list.map(([box, separator, swap]) => {
          const halves = [box.writeMac(box.mac), box.writeSerial(box.serial)]
          return (swap ? halves.toReversed() : halves).join(separator)
        })
        const expected = list.map(([{ mac, serial }]) => ({ kind: 'box', box: { mac, serial } }))
        expect(scanned(...lines)).toEqual(expected)
      }),
    )
  })

  it('come out as they went in, on two lines each in one order, without a suspicion', () => {
    fc.assert(
      fc.property(fc.uniqueArray(boxes, { maxLength: 10, selector: ({ mac }) => mac }), fc.boolean(), (list, swap) => {
        const lines = list.flatMap((box) => {
          const halves = [box.writeMac(box.mac), box.writeSerial(box.serial)]
          return swap ? halves.toReversed() : halves
        })
        const scans = scanned(...lines)
        expect(scans.filter(({ kind }) => kind === 'box')).toEqual(
          list.map(({ mac, serial }) => ({ kind: 'box', box: { mac, serial } })),
        )
        expect(scans.filter((scan) => scan.kind === 'mistake' || (scan.kind === 'half' && scan.suspicious))).toEqual([])
      }),
    )
  })
})

describe('any lines at all', () => {
  const words = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 30 }),
    fc.constantFrom(
      'MAC:',
      'S/N',
      'x',
      MAC,
      'FCH2305DMH0',
      'CP-8851-3PCC',
      '88012BA01234',
      ',',
      ';',
      '\t',
      '00',
      'sn',
      ' ',
    ),
  )
  const lines = fc.array(
    fc.array(words, { maxLength: 6 }).map((parts) => parts.join(' ')),
    { maxLength: 12 },
  )

  it('never throw, give only boxes whose numbers were scanned, and remember no more than one half', () => {
    fc.assert(
      fc.property(lines, (list) => {
        const all = list
          .join(' ')
          .toUpperCase()
          .replace(/[^0-9A-Z]/g, '')
        let state: Scanning = NOTHING_SCANNED
        for (const line of list) {
          const read = readScan(state, line)
          state = read.state
          expect(read.scans.length).toBeLessThanOrEqual(3)
          expect(Object.keys(state).toSorted()).toEqual(['model', 'usuallyFirst', 'waiting'])
          for (const scan of read.scans) {
            if (scan.kind !== 'box') continue
            if (scan.box.model !== undefined) expect(list.join(' ')).toContain(scan.box.model)
            expect(all).toContain(scan.box.mac.toUpperCase())
            expect(all).toContain(scan.box.serial)
          }
        }
      }),
      { numRuns: 200 },
    )
  })

  it('put no control character into what is said', () => {
    fc.assert(
      fc.property(lines, (list) => {
        for (const scan of scanned(...list)) {
          if (scan.kind === 'mistake') expect(scan.message).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/)
        }
      }),
    )
  })
})
