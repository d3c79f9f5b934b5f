/** Processes of a measurement: each server and each load has one of its own, so that none waits for another's event loop. */
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** What a worker does when it is called; parameters and results travel as structured clones. */
type Calls = Readonly<Record<string, (params: never) => unknown>>

interface Request {
  readonly id: number
  readonly name: string
  readonly params: unknown
}

type Answer = { readonly id: number; readonly result: unknown } | { readonly id: number; readonly error: string }

/** A process that answers calls. */
export interface Worker<C extends Calls> {
  readonly pid: number
  call<K extends keyof C & string>(name: K, params: Parameters<C[K]>[0]): Promise<Awaited<ReturnType<C[K]>>>
  /** Ends it, and waits until it has ended. */
  stop(): Promise<void>
}

/** A worker that does not end by itself is killed after this time. */
const STOP_MS = 15_000

/** Starts `bench/<name>.ts` as a process of its own. */
export function startWorker<C extends Calls>(name: string, env: Readonly<Record<string, string>> = {}): Worker<C> {
  const path = fileURLToPath(new URL(`./${name}.ts`, import.meta.url))
  const child = fork(path, [], {
    execArgv: ['--import', 'tsx', ...nodeOptions(name)],
    serialization: 'advanced',
    env: { ...process.env, ...env },
    stdio: ['ignore', 2, 2, 'ipc'],
  })
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (cause: Error) => void }>()
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  let lastId = 0
  child.on('message', (answer: Answer) => {
    const call = waiting.get(answer.id)
    waiting.delete(answer.id)
    if ('error' in answer) call?.reject(new Error(`${name}: ${answer.error}`))
    else call?.resolve(answer.result)
  })
  child.once('exit', (code, signal) => {
    for (const call of waiting.values()) call.reject(new Error(`${name} ended with ${code ?? signal}`))
    waiting.clear()
  })
  return {
    pid: child.pid ?? 0,
    call: (call, params) =>
      new Promise((resolve, reject) => {
        const id = ++lastId
        waiting.set(id, { resolve: resolve as (value: unknown) => void, reject })
        child.send({ id, name: call, params } satisfies Request)
      }),
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.disconnect()
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
      await ended
      clearTimeout(timer)
    },
  }
}

/** `OFFHOOK_BENCH_PROFILE=platform-worker` writes a CPU profile of that worker into the current folder. */
function nodeOptions(name: string): readonly string[] {
  return process.env['OFFHOOK_BENCH_PROFILE'] === name
    ? ['--cpu-prof', `--cpu-prof-dir=${process.env['OFFHOOK_BENCH_PROFILE_DIR'] ?? '.'}`]
    : []
}

/** The other side: answers calls until the parent goes away, then tidies up and ends. */
export function serveCalls(calls: Calls, close: () => Promise<void> = () => Promise.resolve()): void {
  process.on('message', ({ id, name, params }: Request) => {
    answer(calls, name, params).then(
      (result) => process.send?.({ id, result } satisfies Answer),
      (error: unknown) => process.send?.({ id, error: textOf(error) } satisfies Answer),
    )
  })
  process.once('disconnect', () => {
    close().then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`${textOf(error)}\n`)
        process.exit(1)
      },
    )
  })
}

async function answer(calls: Calls, name: string, params: unknown): Promise<unknown> {
  const call = calls[name]
  if (call === undefined) throw new Error(`There is no call "${name}"`)
  return call(params as never)
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

/** Time that this process has computed for so far, ms: what a request costs however busy the machine is. */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}
