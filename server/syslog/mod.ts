/** The syslog door: what phones say of themselves over UDP, shown as claimed. */
import type { Job, Services } from '../services.ts'

export interface SyslogDoor extends Job {
  readonly port: number
}

export async function listenSyslog(_platform: Services): Promise<SyslogDoor> {
  return { port: 0, close: () => Promise.resolve() }
}
