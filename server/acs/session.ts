/**
 * One session with a device, from its Inform to the last answer: the order of messages by the table of
 * `protocol/cwmp`, what to ask by the pure plan of `server/tr069`, and each thing stored before it is said.
 */
import type { Socket } from 'node:net'
import {
  answersRequest,
  type CwmpBody,
  type CwmpBodyOf,
  type CwmpFault,
  type CwmpHeaders,
  type CwmpMessage,
  type CwmpRpc,
  nextSession,
  normaliseEventCode,
  SESSION_START,
  sessionEventOf,
  type SessionState,
} from '../../protocol/cwmp/mod.ts'
import type { MacAddress } from '../../protocol/identity.ts'
import type { Millis } from '../../protocol/result.ts'
import type { DeviceFacts } from '../devices/mod.ts'
import type { InformSeen, SessionPlace } from '../store/mod.ts'
import {
  afterInform,
  afterStep,
  afterTransfer,
  beforeSending,
  isWishedAgain,
  type AcsState,
  type AcsWrite,
  type OpenTask,
  parameterKeyOf,
  type Plan,
  startPlan,
  type Step,
  stepRequest,
  type TaskRequest,
  textHash,
  valuesOf,
  type Wished,
  withTasks,
  withWished,
} from '../tr069/mod.ts'
import type { AcsContext } from './context.ts'
import { informSeen, wayOf } from './inform.ts'
import type { Live } from './sessions.ts'
import { fingerprintOf, isInStep, wishedOfParty } from './wanted.ts'

export type Inform = CwmpBodyOf<'Inform'>

/** What is sent back: a message, nothing, or the end of the session with a status of HTTP. */
export type Reply =
  | { readonly kind: 'message'; readonly message: CwmpMessage }
  | { readonly kind: 'empty' }
  | { readonly kind: 'status'; readonly status: 400; readonly text: string }

/** Who a session is with. */
export interface Party {
  readonly mac: MacAddress
  /** Undefined: nobody has registered it. */
  readonly facts: DeviceFacts | undefined
  readonly proof: 'certified' | 'credentialed'
  /** Over TLS, so that secrets may go. */
  readonly secure: boolean
  readonly peer: string
  /** Bound: it is told things. Else it is only listened to. */
  readonly served: boolean
}

interface Asked {
  readonly step: Step
  readonly message: CwmpMessage
}

export class Session implements Live {
  readonly cookie: string
  readonly party: Party
  readonly startedAt: Millis
  socket: Socket
  lastAt: Millis
  silenceMs: Millis
  busy = false
  readonly #context: AcsContext
  #order: SessionState = SESSION_START
  #namespace = ''
  #oui = ''
  #state: AcsState | undefined
  #tasks: readonly OpenTask[] | undefined
  #plan: Plan | undefined
  #asked: Asked | undefined
  /** Not stored yet. */
  readonly #held: AcsWrite[] = []
  #requests = 0
  #drifted = false

  constructor(
    context: AcsContext,
    party: Party,
    at: { cookie: string; socket: Socket; now: Millis; silenceMs: Millis },
  ) {
    this.#context = context
    this.party = party
    this.cookie = at.cookie
    this.socket = at.socket
    this.startedAt = at.now
    this.lastAt = at.now
    this.silenceMs = at.silenceMs
  }

  get mac(): MacAddress {
    return this.party.mac
  }

  /** Something was under way that nobody knows the end of. */
  get unfinished(): boolean {
    return this.#asked !== undefined
  }

  get traced(): boolean {
    const until = this.#state?.tracedUntil
    return until !== undefined && until > this.#context.now()
  }

  /** The first message; what it says is stored before it is answered where something depends on it. */
  async begin(message: CwmpMessage, inform: Inform, headers: CwmpHeaders): Promise<Reply> {
    const context = this.#context
    const now = context.now()
    this.#take(message)
    this.#namespace = message.namespace
    this.#oui = inform.deviceId.oui.slice(0, 6)
    const codes = inform.events.map(({ code }) => normaliseEventCode(code))
    if (this.party.served) await this.#remember(message, inform, codes, now)
    return this.#answer(message, { kind: 'InformResponse', maxEnvelopes: 1 }, headers)
  }

  async #remember(message: CwmpMessage, inform: Inform, codes: readonly string[], now: Millis): Promise<void> {
    const { store } = this.#context
    const known = store.state(this.mac)
    const before = known instanceof Promise ? await known : known
    const bootstrap = before === undefined || codes.includes('0 BOOTSTRAP')
    const seen = informSeen(this.party, message, inform, codes, now)
    const recovered = before === undefined || before.openTasks === 0 ? [] : await this.#recovered(inform, codes, now)
    this.#tell(before, bootstrap, codes, now)
    if (before !== undefined && !bootstrap && recovered.length === 0 && before.wakeFrom === undefined) {
      this.#drifted = this.#hasDrifted(before, codes, seen)
      store.seen(seen, before.informHash === seen.informHash ? [] : valuesOf(inform.parameters))
      this.#state = before
      return
    }
    // Of a device that is to be learned anew the values come with the rest of its tree.
    if (bootstrap && recovered.length === 0) {
      this.#state = await store.anew(seen)
      return
    }
    const values: AcsWrite = { kind: 'parameters', rows: valuesOf(inform.parameters) }
    await this.#record(bootstrap ? [...FORGET, ...recovered] : [...recovered, values], seen)
    this.#state = await store.state(this.mac)
  }

  /** @returns tasks that somebody else has in hand, or has ended */
  async #record(writes: readonly AcsWrite[], seen?: InformSeen): Promise<readonly string[]> {
    this.#tasks = undefined
    const all = [...this.#held.splice(0), ...writes]
    return this.#context.store.record(this.#place(this.#context.now()), all, seen)
  }

  /** A message after the first; undefined: an empty one. */
  async go(message: CwmpMessage | undefined): Promise<Reply> {
    if (!this.#take(message)) {
      return {
        kind: 'status',
        status: 400,
        text: `The session is at "${this.#order.stage}": this message has no place there`,
      }
    }
    if (message === undefined) return this.#next()
    const { body } = message
    if (this.#order.stage === 'acsAnswersRequest') return this.#answer(message, await this.#request(body))
    const asked = this.#asked
    if (asked === undefined || !answersRequest(asked.message, message)) {
      return { kind: 'status', status: 400, text: 'This is no answer to what was asked' }
    }
    this.#asked = undefined
    const writes = this.#taken(asked.step, body as CwmpRpc | CwmpFault)
    return this.#next(writes)
  }

  /** Ended by the device, after we had nothing more to ask. */
  get mayEnd(): boolean {
    return this.#order.stage === 'mayEnd'
  }

  get isDone(): boolean {
    return this.#order.stage === 'done'
  }

  #take(message: CwmpMessage | undefined): boolean {
    const next = nextSession(this.#order, sessionEventOf(message, 'CPE'))
    if (next !== undefined) this.#order = next
    return next !== undefined
  }

  #said(message: CwmpMessage | undefined): void {
    this.#order = nextSession(this.#order, sessionEventOf(message, 'ACS')) ?? this.#order
  }

  #answer(to: CwmpMessage, body: CwmpBody, headers: CwmpHeaders = {}): Reply {
    const message: CwmpMessage = { id: to.id, namespace: this.#namespace, headers, body }
    this.#said(message)
    return { kind: 'message', message }
  }

  #place(now: Millis): SessionPlace {
    const { mac, facts, proof } = this.party
    return { mac, accountId: facts?.device.accountId, trust: proof, now }
  }

  /** What its events tell of tasks whose answer was never heard. */
  async #recovered(inform: Inform, codes: readonly string[], now: Millis): Promise<readonly AcsWrite[]> {
    const events = inform.events.map((event, index) => ({ ...event, code: codes[index] ?? event.code }))
    const tasks = await this.#openTasks()
    return tasks.flatMap((task) => afterInform(task, { events }, now))
  }

  async #openTasks(): Promise<readonly OpenTask[]> {
    this.#tasks ??= await this.#context.store.openTasks(this.mac)
    return this.#tasks
  }

  #hasDrifted(state: AcsState, codes: readonly string[], seen: InformSeen): boolean {
    if (this.party.facts?.account?.settings.ledBy !== 'tr069' || state.inStep === undefined) return false
    const key = seen.parameterKey ?? ''
    return codes.includes('4 VALUE CHANGE') || (key !== '' && key !== parameterKeyOf(state.inStep))
  }

  #tell(before: AcsState | undefined, bootstrap: boolean, codes: readonly string[], now: Millis): void {
    const { mac, facts, proof, peer } = this.party
    const common = { trust: proof, mac, accountId: facts?.device.accountId, peer }
    if (bootstrap)
      this.#context.note([{ ...common, name: 'tr069.first-contact', data: { events: codes.join(', ').slice(0, 200) } }])
    if (before?.wakeFrom === undefined) return
    const way = wayOf(before.wakeWay, codes)
    const waited = Math.max(0, now - before.wakeFrom)
    this.#context.note([{ ...common, name: 'tr069.woken', data: { way, waitedMs: Math.round(waited) } }])
  }

  async #request(body: CwmpBody): Promise<CwmpBody> {
    switch (body.kind) {
      case 'TransferComplete':
        await this.#transferred(body)
        return { kind: 'TransferCompleteResponse' }
      case 'GetRPCMethods':
        return { kind: 'GetRPCMethodsResponse', methods: [...this.#context.methods] }
      case 'AutonomousTransferComplete':
        return { kind: 'AutonomousTransferCompleteResponse' }
      case 'RequestDownload':
        return { kind: 'RequestDownloadResponse' }
      default:
        return { kind: 'Fault', code: 8000, text: 'Method not supported', parameterFaults: [] }
    }
  }

  async #transferred(report: CwmpBodyOf<'TransferComplete'>): Promise<void> {
    // A device that is told nothing was asked for nothing here.
    if (!this.party.served) return
    this.#tasks = undefined
    const writes = afterTransfer(await this.#openTasks(), report, this.#refusals())
    if (writes !== undefined) {
      await this.#record(writes)
      this.#state = await this.#context.store.state(this.mac)
      return
    }
    const { mac, facts, proof } = this.party
    const data = { commandKey: report.commandKey.slice(0, 32), code: report.fault.code }
    this.#context.note([
      { name: 'tr069.transfer-unknown', trust: proof, mac, accountId: facts?.device.accountId, data },
    ])
  }

  #refusals() {
    return { refused: this.#state?.refused ?? {}, now: this.#context.now() }
  }

  /** What an answer makes of the plan. */
  #taken(step: Step, body: CwmpRpc | CwmpFault): readonly AcsWrite[] {
    const plan = this.#plan
    if (plan === undefined) return []
    const { now } = this.#context
    const macOf = (path: string, value: string) => this.#context.macOf(this.mac, path, value)
    const { plan: next, writes } = afterStep(plan, step, body, { now: now(), macOf })
    this.#plan = next
    this.#noteRefused(plan, next)
    return writes
  }

  #noteRefused(before: Plan, after: Plan): void {
    const { mac, facts, proof } = this.party
    const fresh = Object.entries(after.refused).filter(([path, value]) => before.refused[path] !== value)
    this.#context.note(
      fresh.map(([path, { code, text }]) => ({
        name: 'tr069.value-refused',
        trust: proof,
        mac,
        accountId: facts?.device.accountId,
        data: { path, code, fault: text },
      })),
    )
  }

  /** The next request, or the end of what we have to ask. @param writes of the answer before */
  async #next(writes: readonly AcsWrite[] = []): Promise<Reply> {
    const collected = [...writes]
    const step = await this.#storedStep(collected)
    if (step === undefined || this.#plan === undefined) {
      this.#said(undefined)
      return { kind: 'empty' }
    }
    this.#requests += 1
    const parameterKey = parameterKeyOf(this.#fingerprint())
    const body = stepRequest(this.#plan, step, { oui: this.#oui, parameterKey })
    const message: CwmpMessage = { id: String(this.#requests), namespace: this.#namespace, headers: {}, body }
    this.#asked = { step, message }
    this.#said(message)
    return { kind: 'message', message }
  }

  /**
   * That a task is asked for, and what came of it, is stored before anything else is said. What a device tells and is
   * told besides is stored with it, or at the end: lost until then, it is learned and told again.
   */
  async #storedStep(collected: AcsWrite[]): Promise<Step | undefined> {
    const may = this.party.served && this.#requests < this.#context.limits.requestsMax
    for (;;) {
      const step = may ? await this.#nextStep(collected) : undefined
      // After a look at its table a task is ours already.
      const task = step?.kind === 'task' && step.look !== 'over' ? step.task : undefined
      if (task !== undefined) collected.push(...beforeSending(task, this.#plan?.tree ?? new Map()))
      this.#held.push(...collected.splice(0))
      if (step !== undefined && task === undefined && !this.#held.some(isOfTask)) return step
      const taken = this.#held.length === 0 ? [] : await this.#record([])
      if (task === undefined || !taken.includes(task.id)) return step
    }
  }

  #fingerprint(): string {
    return fingerprintOf(this.#context, this.party)
  }

  /** The front of the queue; when it is empty, what the next stage puts there. */
  async #nextStep(writes: AcsWrite[]): Promise<Step | undefined> {
    const state = this.#state
    if (state === undefined) return undefined
    this.#plan ??= this.#isIdle(state) ? undefined : startPlan(state, this.#context.now())
    while (this.#plan !== undefined && this.#plan.stage !== 'done') {
      const [step, ...rest] = this.#plan.steps
      if (step !== undefined) {
        this.#plan = { ...this.#plan, steps: rest }
        return step
      }
      this.#plan = await this.#nextStage(this.#plan, state, writes)
    }
    return undefined
  }

  #isIdle(state: AcsState): boolean {
    return (
      state.openTasks === 0 &&
      state.treeAt !== undefined &&
      !this.#drifted &&
      isInStep(this.#context, this.party, state)
    )
  }

  async #nextStage(plan: Plan, state: AcsState, writes: AcsWrite[]): Promise<Plan> {
    const { now } = this.#context
    const { facts } = this.party
    if (facts === undefined) return { ...plan, stage: 'done' }
    switch (plan.stage) {
      case 'learn':
        // A device that told nothing is asked again by its next session.
        if (plan.tree.size > 0) {
          // All that was told so far is in the tree.
          const others = [...this.#held.splice(0), ...writes.splice(0)].filter(({ kind }) => kind !== 'parameters')
          const rows = [...plan.tree.values()]
          writes.push(...others, { kind: 'parameters', rows }, { kind: 'tree-read', before: this.startedAt })
        }
        if (state.openTasks === 0) return withTasks(plan, [], now())
        return withTasks(await this.#withTree(plan), await this.#openTasks(), now())
      case 'tasks': {
        if (plan.endsWithTasks || (!this.#drifted && isInStep(this.#context, this.party, state)))
          return { ...plan, stage: 'done' }
        return this.#wish(await this.#withTree(plan), state, facts, writes)
      }
      case 'objects':
        return this.#wish(plan, state, facts, writes)
      case 'wished': {
        if (isWishedAgain(plan)) return withWished(plan, this.#wished(plan, state, facts))
        const informSeconds = this.#context.informSeconds()
        if (!plan.short) writes.push({ kind: 'in-step', fingerprint: this.#fingerprint(), informSeconds })
        return { ...plan, stage: 'done' }
      }
      default:
        return plan
    }
  }

  #wished(plan: Plan, state: AcsState, facts: DeviceFacts): Wished {
    return wishedOfParty(this.#context, this.party, facts, { ...state, refused: plan.refused }, plan.tree)
  }

  /** What the device should have is worked out with its tree as it is now. */
  async #wish(plan: Plan, state: AcsState, facts: DeviceFacts, writes: AcsWrite[]): Promise<Plan> {
    const wished = this.#wished(plan, state, facts)
    const next = withWished(plan, wished)
    if (next.stage === 'objects') return next
    const files = await this.#fileSteps(wished.files, writes)
    return { ...next, short: plan.short || wished.files.length > 0, steps: [...next.steps, ...files] }
  }

  /** With what is known of the device, read once; from then on the plan's own copy keeps up with the answers. */
  async #withTree(plan: Plan): Promise<Plan> {
    if (plan.tree.size > 0) return plan
    if (this.#held.length > 0) await this.#record([])
    return { ...plan, tree: new Map(await this.#context.store.tree(this.mac)) }
  }

  /** A file that nobody has asked for yet becomes a task like any other. */
  async #fileSteps(files: readonly FileRequest[], writes: AcsWrite[]): Promise<readonly Step[]> {
    if (files.length === 0) return []
    const open = await this.#openTasks()
    const isAsked = (tasks: readonly OpenTask[], file: FileRequest) =>
      tasks.filter(({ request }) => request.kind === 'download' && request.version === file.version)
    const missing = files.filter((file) => isAsked(open, file).length === 0)
    if (missing.length === 0) return []
    const made = missing.map((request): AcsWrite => {
      const name = textHash(`${request.file}/${request.version ?? ''}/${this.cookie}`)
      return { kind: 'task-new', request, commandKey: `w${name.slice(0, 24)}` }
    })
    await this.#record([...writes.splice(0), ...made])
    const tasks = await this.#openTasks()
    return missing.flatMap((file) => isAsked(tasks, file)).map((task): Step => ({ kind: 'task', task }))
  }
}

function isOfTask({ kind }: AcsWrite): boolean {
  return kind.startsWith('task-')
}

type FileRequest = Extract<TaskRequest, { kind: 'download' }>

const FORGET: readonly AcsWrite[] = [{ kind: 'forget' }]
