/**
 * Device lists of other systems, as records of text: what the columns are called there, and which rows are phones for us.
 *
 * | system | columns |
 * |---|---|
 * | FusionPBX, export of devices | `device_mac_address` (newer: `device_address`), `device_label`, `device_vendor`, `device_template`, `device_description`, `device_enabled`; with lines joined `line_number`, `server_address`, `outbound_proxy_primary`, `display_name`, `user_id`, `auth_id`, `password`, `sip_transport`, `enabled` |
 * | wazo-confd, `GET /devices` | `mac`, `sn`, `vendor`, `model`, `ip`, `template_id`, `description`, `status`, `plugin` |
 */
import {
  type MacAddress,
  parseMacAddress,
  parseSerialNumber,
  type ProductName,
  type SerialNumber,
} from '../../../protocol/identity.ts'
import { guessModel } from './models.ts'
import type { LineProposal } from './types.ts'

/** Rows of one list. */
export const LIST_ROWS_MAX = 10_000

export type ListRecord = Readonly<Record<string, string>>

export interface ListedDevice {
  readonly mac: MacAddress
  readonly model: ProductName
  /** The list does not say whether the phone has Multiplatform firmware. */
  readonly modelAssumed: boolean
  /** FusionPBX has no serial numbers. */
  readonly serial: SerialNumber | undefined
  readonly label: string
  readonly lines: readonly LineProposal[]
}

export interface ListProblem {
  /** From 1, the header not counted. */
  readonly row: number
  readonly mac: string
  readonly code: 'bad-mac' | 'no-mpp-phone' | 'doubled-mac' | 'bad-line' | 'serial-missing' | 'disabled' | 'too-many'
  readonly message: string
}

export interface DeviceList {
  readonly format: 'fusionpbx' | 'wazo'
  readonly devices: readonly ListedDevice[]
  readonly problems: readonly ListProblem[]
}

/**
 * @param serials numbers that the list lacks, by MAC as twelve hex digits
 * @returns undefined when the columns are of neither system
 */
export function readDeviceList(
  records: readonly ListRecord[],
  serials: ReadonlyMap<string, string> = new Map(),
): DeviceList | undefined {
  const columns = new Set(records.slice(0, 100).flatMap((record) => Object.keys(record)))
  const isFusion = columns.has('device_mac_address') || columns.has('device_address')
  if (!isFusion && !columns.has('mac')) return undefined
  const reader = new ListReader(isFusion ? 'fusionpbx' : 'wazo', serials)
  for (const [index, record] of records.slice(0, LIST_ROWS_MAX).entries()) reader.add(record, index + 1)
  if (records.length > LIST_ROWS_MAX) reader.tooMany(records.length)
  return { format: reader.format, devices: [...reader.devices.values()], problems: reader.problems }
}

class ListReader {
  readonly format: DeviceList['format']
  readonly devices = new Map<MacAddress, ListedDevice>()
  readonly problems: ListProblem[] = []
  private readonly serials: ReadonlyMap<string, string>

  constructor(format: DeviceList['format'], serials: ReadonlyMap<string, string>) {
    this.format = format
    this.serials = serials
  }

  tooMany(count: number): void {
    this.tell(
      LIST_ROWS_MAX + 1,
      '',
      'too-many',
      `The list has ${count} rows, at most ${LIST_ROWS_MAX} are read; split it`,
    )
  }

  add(record: ListRecord, row: number): void {
    const written =
      this.format === 'fusionpbx' ? (record['device_mac_address'] ?? record['device_address']) : record['mac']
    const text = (written ?? '').slice(0, 40)
    const mac = parseMacAddress(text)
    if (mac === undefined) return this.tell(row, text, 'bad-mac', `"${text}" is no MAC address; expected 12 hex digits`)
    if (isOff(record['device_enabled']))
      return this.tell(row, mac, 'disabled', 'The device is switched off in the list')
    const line = this.lineOf(record, row, mac)
    const before = this.devices.get(mac)
    if (before !== undefined) return this.addLine(before, line, row)
    const guess = this.modelOf(record)
    if (guess.kind === 'other') return this.tell(row, mac, 'no-mpp-phone', guess.reason)
    const serial = parseSerialNumber(this.serials.get(mac) ?? record['sn'] ?? record['device_serial_number'] ?? '')
    if (serial === undefined) {
      this.tell(
        row,
        mac,
        'serial-missing',
        'The list has no serial number; give it beside the list, from the label or the order',
      )
    }
    const label = (record['device_label'] || record['device_description'] || record['description'] || '').slice(0, 128)
    this.devices.set(mac, {
      mac,
      model: guess.model,
      modelAssumed: guess.assumed,
      serial,
      label,
      lines: line === undefined ? [] : [line],
    })
  }

  /** Rows of one device, one a line; without a line the row is there twice for no reason. */
  private addLine(device: ListedDevice, line: LineProposal | undefined, row: number): void {
    if (line === undefined || device.lines.some(({ index }) => index === line.index)) {
      return this.tell(
        row,
        device.mac,
        'doubled-mac',
        'The device stands in the list more than once; the first row counts',
      )
    }
    this.devices.set(device.mac, { ...device, lines: [...device.lines, line] })
  }

  private modelOf(record: ListRecord): ReturnType<typeof guessModel> {
    const vendor = record[this.format === 'fusionpbx' ? 'device_vendor' : 'vendor'] ?? ''
    const name = this.format === 'fusionpbx' ? record['device_template'] : record['model'] || record['plugin']
    if (vendor !== '' && !/^(?:cisco|linksys|sipura)/i.test(vendor.trim())) {
      return { kind: 'other', reason: `it is of ${vendor.slice(0, 40)}, not of Cisco` }
    }
    return guessModel(name ?? '')
  }

  private lineOf(record: ListRecord, row: number, mac: MacAddress): LineProposal | undefined {
    const userId = record['user_id'] ?? ''
    if (this.format !== 'fusionpbx' || userId === '' || isOff(record['enabled'])) return undefined
    const index = Number(record['line_number'] || '1')
    const port = record['sip_port'] ?? ''
    const host = record['server_address'] || record['server_address_primary'] || ''
    const domain = port === '' || port === '5060' || host.includes(':') ? host : `${host}:${port}`
    const transport = (record['sip_transport'] ?? '').toUpperCase()
    const fits =
      Number.isInteger(index) &&
      index >= 1 &&
      index <= 16 &&
      /^[A-Za-z0-9.:[\]-]{1,255}$/.test(domain) &&
      userId.length <= 63
    if (!fits) {
      this.tell(
        row,
        mac,
        'bad-line',
        `The line of user "${userId.slice(0, 63)}" needs a number from 1 to 16 and a server`,
      )
      return undefined
    }
    return {
      index,
      userId,
      password: record['password'] || undefined,
      displayName: (record['display_name'] ?? '').slice(0, 128),
      domain,
      authId: record['auth_id'] || undefined,
      outboundProxy: record['outbound_proxy_primary'] || undefined,
      transport: transport === 'UDP' || transport === 'TCP' || transport === 'TLS' ? transport : undefined,
    }
  }

  private tell(row: number, mac: string, code: ListProblem['code'], message: string): void {
    this.problems.push({ row, mac, code, message })
  }
}

function isOff(text: string | undefined): boolean {
  return /^(?:false|f|no|0)$/i.test(text ?? '')
}
