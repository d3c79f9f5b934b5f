import { describe, expect, it } from 'vitest'

import { findMacro, MACROS } from './macros.ts'

const NAMES = `
  $ A B C D E F G H I J K L M N O P SA SB SC SD
  MA MAU MAC PN PSN SN CCERT IP EXTIP SWVER HWVER
  PRVST UPGST UPGERR PRVTMR UPGTMR REGTMR1 REGTMR2 UPGCOND
  SCHEME METH SERV SERVIP PORT PATH ERR
  UIDn DISPLAYNAMEn AUTHIDn ISCUST INCOMINGNAME REMOTENUMBER
  EMS MUID MPWD ORIGTYPE AUTHSTATUS VERSION USER PROXY
`

describe('the macro table', () => {
  it('has a row for every variable and no other, but for the GPP_ aliases [MPP §3.3]', () => {
    const names = MACROS.filter(({ name }) => !name.startsWith('GPP_')).map(({ name }) => name)
    expect(names.sort()).toEqual(NAMES.trim().split(/\s+/).sort())
  })

  it('gives the source of each row, and no name twice', () => {
    expect(MACROS.filter(({ source }) => !source.startsWith('MPP §'))).toEqual([])
    expect(new Set(MACROS.map(({ name }) => name)).size).toBe(MACROS.length)
  })

  it('marks as secret what may never be shown, and only that [MPP §3.1, §3.3]', () => {
    const secrets = MACROS.filter(({ secret, aliasOf }) => secret && aliasOf === undefined).map(({ name }) => name)
    expect(secrets.sort()).toEqual(['MPWD', 'SA', 'SB', 'SC', 'SD'])
  })

  it('finds numbered macros by their line [MPP §3.3]', () => {
    expect(findMacro('UID1')?.name).toBe('UIDn')
    expect(findMacro('DISPLAYNAME12')?.name).toBe('DISPLAYNAMEn')
    expect(['UID', 'UID0', 'UID100', 'UIDn', 'ma', 'constructor', 'VID'].map(findMacro)).toEqual(
      Array(7).fill(undefined),
    )
  })
})
