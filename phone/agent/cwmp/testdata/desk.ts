/** A provisioned phone whose ACS is the one of `acs.ts`, in virtual time. */
import { Bench, type BenchOptions, provisioned, response } from '../../testdata/bench.ts'
import type { FetchOutcome, FetchRequest, Flash } from '../../types.ts'
import { Acs, type AcsOptions } from './acs.ts'

/** As the bench prints it. */
export const ACS_KEY = 'http://acs.test:80/cwmp'
export const ACS_URL = 'http://acs.test/cwmp'

export interface DeskOptions extends Omit<BenchOptions, 'flash'> {
  readonly acs?: AcsOptions
  /** Settings besides those that switch TR-069 on. */
  readonly values?: Readonly<Record<string, string>>
  readonly memory?: Partial<Flash>
  /** Which exchanges with the ACS are lost, counted from 1, and on which way. */
  readonly lost?: (count: number) => 'request' | 'answer' | undefined
}

/** TR-069 on, nothing periodic, no resync of its own. */
export const QUIET: Readonly<Record<string, string>> = {
  'Enable_TR-069': 'Yes',
  ACS_URL,
  Periodic_Inform_Enable: 'No',
  Provision_Enable: 'No',
  'TR-069_DHCPOption_Init': 'Yes',
}

export class Desk {
  readonly acs: Acs
  readonly bench: Bench
  #count = 0

  constructor(options: DeskOptions = {}) {
    const { acs, values, memory, lost, files, ...rest } = options
    this.acs = new Acs(acs)
    const flash = provisioned({ ...QUIET, ...values }, memory)
    this.bench = new Bench({ ...rest, flash, files: { ...files, [ACS_KEY]: (request) => this.#serve(request, lost) } })
  }

  /** Power, the network, and time for the sessions that follow. */
  boot(seconds = 30): this {
    this.bench.boot(seconds)
    return this
  }

  pass(seconds: number): this {
    this.bench.pass(seconds)
    return this
  }

  get flash(): Flash {
    return this.bench.agent.flash
  }

  /** Event codes of each Inform, with the command keys. */
  events(): readonly (readonly string[])[] {
    return this.acs.informs.map(({ events }) =>
      events.map(({ code, commandKey }) => (commandKey === '' ? code : `${code}(${commandKey})`)),
    )
  }

  /** Seconds from the start of each Inform that was sent. */
  informSeconds(): readonly number[] {
    return this.bench.seconds(ACS_KEY)
  }

  #serve(request: FetchRequest, lost: DeskOptions['lost']): FetchOutcome {
    this.#count += 1
    const fate = lost?.(this.#count)
    if (fate === 'request') return LOST
    const headers = new Map(request.headers.map(([name, value]) => [name.toLowerCase(), value]))
    const reply = this.acs.reply({ path: request.path, headers, body: request.body ?? new Uint8Array(0) })
    return fate === 'answer' ? LOST : response(reply.status, reply.body, reply.headers)
  }
}

const LOST: FetchOutcome = { kind: 'failed', reason: 'broken', detail: 'the connection was closed' }
