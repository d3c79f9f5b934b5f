import { describe, expect, it } from 'vitest'
import { parseBoxes, readBoxes } from './boxes.ts'

const ROW = '000e08112233,FCH2305DMH1,CP-8851-3PCC'
const BOX = { mac: '000e08112233', serial: 'FCH2305DMH1', productName: 'CP-8851-3PCC' }

describe('a list of boxes', () => {
  it.each([
    ['as it is documented', `mac,serial,model\n${ROW}\n`],
    [
      'as scanners and spreadsheets write it',
      '\uFEFFSerial;Model;MAC\r\n"fch2305dmh1";"cp-8851-3pcc";"00:0E:08:11:22:33"\r\n\r\n',
    ],
    [
      'with other columns, and models as on the box',
      'place\tmac\tserial\tmodel\nrack 1\t000E.0811.2233\tFCH2305DMH1\tCP-8851-3PCC-K9=',
    ],
  ])('is read %s', (_, text) => {
    expect(parseBoxes(text)).toEqual([BOX])
  })

  it.each([
    ['', 'no column "mac"'],
    [`${ROW}\n`, 'no column "mac"'],
    ['mac,serial\n', 'no column "model"'],
    ['mac,serial,model\n\n', 'no box below the header'],
    [`mac,serial,model\n${ROW}\n\n000e08,FCH2305DMH1,CP-8851-3PCC`, 'line 4, mac "000e08"'],
    ['mac,serial,model\n000e08112233,F-1,CP-8851-3PCC', 'line 2, serial "F-1"'],
    ['mac,serial,model\n000e08112233,FCH2305DMH1', 'line 2, model ""'],
    [`mac,serial,model\n${`${ROW}\n`.repeat(15_001)}`, '15001 boxes are too many'],
  ])('is refused when it is %j', (text, why) => {
    expect(() => parseBoxes(text)).toThrow(why)
  })

  it('says which file it is', () => {
    expect(() => readBoxes('/no/such/file.csv')).toThrow(/^Cannot read boxes from "\/no\/such\/file.csv": ENOENT/)
  })
})
