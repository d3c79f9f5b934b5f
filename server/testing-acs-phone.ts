/** A device that does what it was asked to, for tests of lost sessions: it counts what it did, and tells until it is heard. */
import type { CwmpBody, CwmpBodyOf, CwmpRpc } from '../protocol/cwmp/mod.ts'
import type { AcsDevice } from './testing-acs.ts'
import type { TaskRequest } from './tr069/mod.ts'

const TABLE = 'Device.X_TEST.List.'
const NAME = 'Device.X_TEST.Name'

/** What its tree holds before anybody has asked for anything. */
export const DUTIFUL_TREE = {
  'Device.DeviceInfo.SoftwareVersion': 'sip88xx.12-0-7',
  'Device.ManagementServer.PeriodicInformInterval': '20',
  'Device.ManagementServer.ConnectionRequestURL': '',
  [NAME]: '',
}

/** One task of each kind whose doing can be counted. */
export const DUTIES: readonly TaskRequest[] = [
  { kind: 'set-values', values: [{ path: NAME, value: 'set' }] },
  { kind: 'add-object', path: TABLE },
  { kind: 'download', file: 'configuration', url: 'https://localhost/x.cfg' },
  { kind: 'reboot' },
]

/** What it was asked to do it does, whatever becomes of the session; what it has to tell it tells until it is heard. */
export class DutifulPhone {
  readonly device: AcsDevice
  reboots = 0
  transfers = 0
  events: (string | readonly [string, string])[] = ['0 BOOTSTRAP']
  #reports: CwmpBodyOf<'TransferComplete'>[] = []
  #rebootKey: string | undefined
  #instances = 0

  constructor(device: AcsDevice) {
    this.device = device
  }

  /** Each duty done, and none twice. */
  get isDone(): boolean {
    const { reboots, transfers, instances } = this
    return this.device.values.get(NAME) === 'set' && reboots === 1 && transfers === 1 && instances === 1
  }

  get instances(): number {
    return this.#instances
  }

  /** Something that the ACS has not heard yet. */
  get owes(): boolean {
    return this.events.length > 0 || this.#reports.length > 0
  }

  /** One session. Rejects when it is lost, having kept what it owes. */
  async call(): Promise<void> {
    const { device } = this
    const told = this.events
    const events = [
      ...told,
      ...this.#reports.flatMap(({ commandKey }) => ['7 TRANSFER COMPLETE', ['M Download', commandKey] as const]),
    ]
    try {
      const first = await device.say(device.informOf(events.length === 0 ? ['2 PERIODIC'] : events))
      if (first.message?.body.kind !== 'InformResponse') throw new Error(`An Inform was answered with ${first.status}`)
      this.events = this.events.filter((event) => !told.includes(event))
      for (const report of this.#reports) {
        const heard = await device.say(report)
        if (heard.message?.body.kind !== 'TransferCompleteResponse') throw new Error('A report was not heard')
        this.#reports = this.#reports.filter((each) => each !== report)
      }
      let answer = await device.post('')
      while (answer.message !== undefined) {
        answer = await device.say(this.#do(answer.message.body as CwmpRpc), answer.message.id)
      }
      if (answer.status !== 204) throw new Error(`A session ended with ${answer.status}`)
    } finally {
      device.disconnect()
      device.forgetCookie()
      if (this.#rebootKey !== undefined) this.#reboot(this.#rebootKey)
    }
  }

  #reboot(key: string): void {
    this.reboots += 1
    this.events = ['1 BOOT', ['M Reboot', key]]
    this.#rebootKey = undefined
  }

  #do(asked: CwmpRpc): CwmpBody {
    if (asked.kind === 'Reboot') this.#rebootKey = asked.commandKey
    if (asked.kind === 'Download') {
      this.transfers += 1
      const fault = { code: 0, text: '' }
      const { commandKey } = asked
      this.#reports.push({ kind: 'TransferComplete', commandKey, fault, startTime: undefined, completeTime: undefined })
    }
    // What it was asked for is over at once, and reported.
    if (asked.kind === 'GetQueuedTransfers') return { kind: 'GetQueuedTransfersResponse', transfers: [] }
    if (asked.kind !== 'AddObject') return this.device.answerTo(asked)
    this.#instances += 1
    this.device.values.set(`${TABLE}${this.#instances}.Name`, '')
    return { kind: 'AddObjectResponse', instanceNumber: this.#instances, status: 0 }
  }
}
