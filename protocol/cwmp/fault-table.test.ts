import { expect, test } from 'vitest'

import {
  ACS_METHODS,
  ACS_OPTIONAL_METHODS,
  CPE_METHODS,
  CPE_OPTIONAL_METHODS,
  faultFor,
  faultsOf,
  isRpcName,
  mayFault,
  PARAMETER_FAULTS,
  TRANSFER_FAULTS,
} from './mod.ts'
import { RPCS } from './rpc/all.ts'

// The table of the guide, code by code.
const TABLE: readonly (readonly [string, string])[] = [
  ['GetRPCMethods', '9001 9002'],
  ['SetParameterValues', '9001 9002 9003 9004'],
  ['GetParameterValues', '9001 9002 9003 9004 9005'],
  ['GetParameterNames', '9001 9002 9003 9005'],
  ['SetParameterAttributes', '9001 9002 9003 9004 9005 9009'],
  ['GetParameterAttributes', '9001 9002 9003 9004 9005'],
  ['AddObject', '9001 9002 9003 9004 9005'],
  ['DeleteObject', '9001 9002 9003 9005'],
  ['Download', '9000 9001 9002 9003 9004 9010 9012 9013'],
  ['Reboot', '9001 9002 9003'],
  ['ScheduleInform', '9001 9002 9003'],
  ['FactoryReset', '9000 9001 9002 9003'],
]

test.each(TABLE)('lets %s fail with %s and with faults of vendors [TR-069 §4.3]', (rpc, codes) => {
  expect(faultsOf(rpc)?.join(' ')).toBe(codes)
  for (let code = 8000; code < 10_000; code += 1) {
    const vendor = code >= 9800 && code <= 9899
    expect(mayFault(rpc, code)).toBe(vendor || codes.split(' ').includes(`${code}`))
  }
})

test('lets a method without a list fail with any fault of a device [TR-069 §4.3]', () => {
  expect(faultsOf('Upload')).toBeUndefined()
  expect([9000, 9011, 9032, 9033, 8000, 8800].map((code) => mayFault('Upload', code))).toEqual([
    true,
    true,
    true,
    false,
    false,
    false,
  ])
})

test('names the faults of one parameter and of a transfer [TR-069 §4.3]', () => {
  expect(PARAMETER_FAULTS).toEqual([9001, 9002, 9005, 9006, 9007, 9008])
  expect(TRANSFER_FAULTS.join(' ')).toBe('0 9001 9002 9010 9011 9012 9014 9015 9016 9017 9018 9019 9020')
  expect([...PARAMETER_FAULTS, ...TRANSFER_FAULTS.slice(1)].every((code) => faultFor(code)?.sender === 'CPE')).toBe(
    true,
  )
})

test('has each method on one side but GetRPCMethods, and a list for each of a phone [TR-069 §7]', () => {
  const cpe = [...CPE_METHODS, ...CPE_OPTIONAL_METHODS]
  const acs = [...ACS_METHODS, ...ACS_OPTIONAL_METHODS]
  expect(CPE_METHODS).toHaveLength(11)
  expect(CPE_METHODS.every((rpc) => faultsOf(rpc) !== undefined)).toBe(true)
  const requests = Object.keys(RPCS).filter((name) => !name.endsWith('Response'))
  expect([...new Set([...cpe, ...acs])].toSorted()).toEqual(requests.toSorted())
  expect(cpe.length + acs.length).toBe(requests.length + 1)
  expect(requests.every((name) => isRpcName(`${name}Response`))).toBe(true)
  expect(isRpcName('Kicked')).toBe(false)
})
