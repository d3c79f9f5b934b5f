/** The phones of the fleet's row: `./offhook fleet` makes the same ones from the same options. */
import type { Population } from '../phone/fleet/mod.ts'
import type { MacAddress, ProductName } from '../protocol/identity.ts'

export const FLEET: Population = {
  count: 2000,
  seed: 1,
  firstMac: '000e08100000' as MacAddress,
  models: ['CP-8851-3PCC' as ProductName],
  release: '12-0-2MPP0001-116',
  rcUrl: 'https://localhost/',
  clientCertificate: true,
}
