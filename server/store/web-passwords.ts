/** New passwords for the web pages and the screen of one phone; it gets them with its next profile. */
import type { MacAddress } from '../../protocol/identity.ts'
import { announce } from './changes.ts'
import { recordRevision } from './revisions.ts'
import type { Sql } from './sql.ts'
import { newPassword, SECRET_CONTEXT, type Vault } from './vault.ts'

export type WebAccount = 'admin' | 'user'

/** @returns the accounts whose password is new; none when the device has no secrets, since it was never bound */
export async function rotateWebPasswords(
  sql: Sql,
  vault: Vault,
  who: string,
  change: { readonly mac: MacAddress; readonly accounts: readonly WebAccount[]; readonly why: string | undefined },
): Promise<readonly WebAccount[]> {
  const { mac, accounts, why } = change
  const rotated: WebAccount[] = []
  for (const account of accounts) {
    const name = `${account}-password`
    const count = await sql.run({
      name: 'rotate-device-secret',
      text: 'update device_secret set sealed = $3, created_at = now() where mac = $1 and name = $2 and generation = 1',
      values: [mac, name, vault.seal(SECRET_CONTEXT.device(mac, name, 1), newPassword())],
    })
    if (count > 0) rotated.push(account)
  }
  if (rotated.length === 0) return rotated
  const what = `new ${rotated.join(' and ')} password`
  await recordRevision(sql, { who, scope: 'device', target: mac, what, ...(why === undefined ? {} : { why }) })
  await announce(sql, { kind: 'device', mac })
  return rotated
}
