/** Where the phones of the fleet register. */
import { startRegistrar, type Registrar } from '../world/registrar/mod.ts'
import { serveCalls } from './worker.ts'

let registrar: Registrar | undefined

const calls = {
  async open(): Promise<number> {
    registrar = await startRegistrar({ host: '127.0.0.1', port: 0 })
    return registrar.port
  },
  setPasswords({ passwords }: { readonly passwords: ReadonlyMap<string, string> }) {
    for (const [user, password] of passwords) registrar?.setPassword(user, password)
  },
  registeredCount: () => registrar?.registered().length ?? 0,
}

export type RegistrarCalls = typeof calls

serveCalls(calls, async () => registrar?.close())
