/** The columns of each kind of file. Names are those of the API; case, spaces and underscores do not matter. */
import { z } from 'zod'
import { AccountInput, AccountSettingsInput, DeviceInput, LineInput, Mac, Model, Serial } from '../contract.ts'
import type { Column } from './row.ts'

const truth = z
  .string()
  .toLowerCase()
  .pipe(z.enum(['true', 'false', 'yes', 'no', '1', '0'], 'expected true or false'))
  .transform((text) => ['true', 'yes', '1'].includes(text))

const whole = (most: number) =>
  z
    .string()
    .regex(/^\d{1,4}$/, 'expected a number')
    .transform(Number)
    .pipe(z.number().min(1).max(most))

const named = z.string().max(128)

export const ACCOUNT_COLUMNS = [
  { name: 'id', schema: named, expected: 'written by exports', shownOnly: true },
  { name: 'customerId', schema: AccountInput.shape.customerId.unwrap(), expected: '4 to 64 letters, digits, _ or -' },
  { name: 'name', schema: AccountInput.shape.name, expected: 'a name of at most 200 characters', free: true },
  { name: 'kind', schema: AccountInput.shape.kind.unwrap(), expected: 'operator, reseller or customer' },
  { name: 'parent', schema: named, expected: 'the Customer ID or id of the account above' },
  { name: 'delivery', schema: AccountSettingsInput.shape.delivery.unwrap(), expected: 'https or sealed' },
  { name: 'credentialed', schema: truth, expected: 'true or false' },
  {
    name: 'expiredCertificates',
    schema: AccountSettingsInput.shape.expiredCertificates.unwrap(),
    expected: 'refuse or accept',
  },
  { name: 'rcForClaimed', schema: truth, expected: 'true or false' },
  { name: 'claimedProblemReports', schema: truth, expected: 'true or false' },
  { name: 'ledBy', schema: AccountSettingsInput.shape.ledBy.unwrap(), expected: 'profile, tr069 or both' },
  { name: 'wakeByReboot', schema: truth, expected: 'true or false' },
] as const satisfies readonly Column[]

export const LINE_COLUMNS = [
  { name: 'id', schema: named, expected: 'written by exports', shownOnly: true },
  { name: 'account', schema: named, expected: 'the Customer ID or id of its account' },
  { name: 'userId', schema: LineInput.shape.userId, expected: 'a SIP user of at most 63 characters' },
  { name: 'domain', schema: LineInput.shape.domain, expected: 'a host name or address, with or without a port' },
  {
    name: 'password',
    schema: LineInput.shape.password,
    expected: 'at most 128 characters; without one a new line gets a random one',
    secret: true,
  },
  { name: 'displayName', schema: LineInput.shape.displayName, expected: 'at most 128 characters', free: true },
  { name: 'authId', schema: LineInput.shape.authId.unwrap(), expected: 'at most 63 characters' },
  { name: 'outboundProxy', schema: LineInput.shape.outboundProxy.unwrap(), expected: 'a host, with or without a port' },
  {
    name: 'transport',
    schema: z.string().toUpperCase().pipe(LineInput.shape.transport.unwrap()),
    expected: 'UDP, TCP, TLS or AUTO',
  },
  { name: 'mac', schema: Mac, expected: '12 hex digits of a phone of its account' },
  { name: 'index', schema: whole(64), expected: 'the extension on that phone, from 1' },
] as const satisfies readonly Column[]

export const DEVICE_COLUMNS = [
  { name: 'mac', schema: Mac, expected: '12 hex digits' },
  { name: 'serial', schema: Serial, expected: '4 to 32 letters and digits, as on the label' },
  { name: 'model', schema: Model, expected: 'a product name like CP-8851-3PCC' },
  { name: 'account', schema: named, expected: 'the Customer ID or id of its account' },
  { name: 'batch', schema: z.string().max(200), expected: 'the id or name of an open batch of its account' },
  { name: 'label', schema: DeviceInput.shape.label, expected: 'at most 100 characters', free: true },
  { name: 'notes', schema: DeviceInput.shape.notes, expected: 'at most 2000 characters', free: true },
  { name: 'state', schema: z.string(), expected: 'written by exports', shownOnly: true },
] as const satisfies readonly Column[]

/** The column of a list. */
export function columnOf(columns: readonly Column[], name: string): Column {
  const column = columns.find((each) => each.name === name)
  if (column === undefined) throw new Error(`There is no column "${name}"`)
  return column
}
