/** Secrets of a device: made at binding, dropped when it is let go. */
import type { MacAddress } from '../../protocol/identity.ts'
import type { Sql } from './sql.ts'
import { newPassword, newProfileKey, SECRET_CONTEXT, type Vault } from './vault.ts'

interface NewSecret {
  readonly name: string
  readonly generation: number
  readonly value: string
}

/** A new key generation and fresh passwords; the key before stays until the new one is confirmed. */
export async function createSecrets(sql: Sql, vault: Vault, mac: MacAddress, generation: number): Promise<void> {
  await putSecrets(sql, vault, mac, [
    { name: 'profile-key', generation, value: newProfileKey() },
    { name: 'admin-password', generation: 1, value: newPassword() },
    { name: 'user-password', generation: 1, value: newPassword() },
    { name: 'uid-password', generation: 1, value: newPassword() },
  ])
}

/** A new key generation alone. */
export async function createProfileKey(sql: Sql, vault: Vault, mac: MacAddress, generation: number): Promise<void> {
  await putSecrets(sql, vault, mac, [{ name: 'profile-key', generation, value: newProfileKey() }])
}

async function putSecrets(sql: Sql, vault: Vault, mac: MacAddress, secrets: readonly NewSecret[]): Promise<void> {
  for (const secret of secrets) {
    const context = SECRET_CONTEXT.device(mac, secret.name, secret.generation)
    await sql.run({
      name: 'put-device-secret',
      text: `insert into device_secret (mac, name, generation, sealed) values ($1, $2, $3, $4)
             on conflict (mac, name, generation) do update set sealed = excluded.sealed, created_at = now()`,
      values: [mac, secret.name, secret.generation, vault.seal(context, secret.value)],
    })
  }
}

/** @param which `but-keys`: a farewell is owed, and a phone that fetches sealed files can only open it with its key */
export async function dropSecrets(sql: Sql, mac: MacAddress, which: 'all' | 'but-keys'): Promise<void> {
  await sql.run({
    name: 'drop-device-secrets',
    text: `delete from device_secret where mac = $1 and ($2 = 'all' or name <> 'profile-key')`,
    values: [mac, which],
  })
}
