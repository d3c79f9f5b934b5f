/** TR-069 devices that call as often as they are answered; and plain posts, for the bound. */
import { Agent, request } from 'node:http'
import { AcsDevice, type AcsDeviceOptions } from '../server/testing-acs.ts'
import { serveCalls } from './worker.ts'

export interface AcsLoad {
  /** Names the devices: a second call under the same name goes on with them. */
  readonly name: string
  readonly devices: readonly AcsDeviceOptions[]
  /** Each session on a connection of its own. */
  readonly newConnections: boolean
  readonly ms: number
}

const devices = new Map<string, readonly AcsDevice[]>()

function devicesOf({ name, devices: wanted }: AcsLoad): readonly AcsDevice[] {
  const known = devices.get(name) ?? wanted.map((options) => new AcsDevice(options))
  devices.set(name, known)
  return known
}

const calls = {
  /** First contact of each device, and sessions until nothing more is asked. @returns requests of the first sessions */
  async first(load: AcsLoad): Promise<number> {
    let asked = 0
    for (const device of devicesOf(load)) {
      asked += (await device.session(['0 BOOTSTRAP', '1 BOOT'])).length
      if (load.newConnections) device.disconnect()
    }
    return asked
  },
  /** @returns sessions in which nothing was asked */
  async idle(load: AcsLoad): Promise<number> {
    const until = performance.now() + load.ms
    let count = 0
    const lane = async (device: AcsDevice): Promise<void> => {
      while (performance.now() < until) {
        const asked = await device.session(['2 PERIODIC'])
        if (asked.length > 0) throw new Error(`An idle session was asked for ${asked[0]?.kind}`)
        if (load.newConnections) {
          device.disconnect()
          device.forgetChallenge()
        }
        count += 1
      }
    }
    await Promise.all(devicesOf(load).map(lane))
    return count
  },
  /** Two posts on a new connection, one with a body and one without. @returns pairs */
  async posts({
    port,
    body,
    ms,
    lanes,
  }: {
    port: number
    body: Uint8Array
    ms: number
    lanes: number
  }): Promise<number> {
    const until = performance.now() + ms
    let count = 0
    const lane = async (): Promise<void> => {
      while (performance.now() < until) {
        const agent = new Agent({ keepAlive: true, maxSockets: 1 })
        await post(agent, port, body)
        await post(agent, port, new Uint8Array(0))
        agent.destroy()
        count += 1
      }
    }
    await Promise.all(Array.from({ length: lanes }, lane))
    return count
  },
}

function post(agent: Agent, port: number, body: Uint8Array): Promise<void> {
  return new Promise((done, failed) => {
    const asked = request({ host: '127.0.0.1', port, method: 'POST', agent }, (answer) => {
      answer.resume()
      answer.on('end', done)
    })
    asked.on('error', failed)
    asked.end(body)
  })
}

export type AcsLoadCalls = typeof calls

serveCalls(calls)
