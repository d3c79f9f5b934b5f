/** What an operator does to the life of a device: confirm, release, disable, enable. */
import { z } from 'zod'
import type { MacAddress } from '../../../protocol/identity.ts'
import { ok, type Result } from '../../../protocol/result.ts'
import {
  confirmDevice,
  type DeviceProblem,
  enableDevice,
  endDevice,
  rotateProfileKey,
  type Sql,
} from '../../store/mod.ts'
import { actor } from '../auth.ts'
import type { Api, ApiPlatform, ReadyPlatform } from '../context.ts'
import { Device, Mac } from '../contract.ts'
import { deviceJson, deviceProblem, reachableDevice } from '../device-json.ts'

const DeviceParams = z.object({ mac: Mac })

type StateChange = (
  tx: Sql,
  platform: ApiPlatform,
  who: string,
  mac: MacAddress,
) => Promise<Result<void, DeviceProblem>>

const STATE_CHANGES: Readonly<
  Record<'confirm' | 'release' | 'disable' | 'enable' | 'rotate-key', { summary: string; change: StateChange }>
> = {
  confirm: {
    summary: 'Confirm a held device: it is bound to the account of its window',
    change: (tx, platform, who, mac) => confirmDevice(tx, platform.vault, who, mac),
  },
  release: {
    summary: 'Let a device go: farewell profile, new line passwords',
    change: (tx, platform, who, mac) => endDevice(tx, platform.vault, who, mac, 'release'),
  },
  disable: {
    summary: 'Shut a device out: farewell profile, then refusals',
    change: (tx, platform, who, mac) => endDevice(tx, platform.vault, who, mac, 'disable'),
  },
  enable: {
    summary: 'Let a disabled device prove itself again',
    change: (tx, _platform, who, mac) => enableDevice(tx, who, mac),
  },
  'rotate-key': {
    summary: 'Issue a new profile key; the one before opens until the phone confirms the new one',
    change: async (tx, platform, who, mac) => {
      const issued = await rotateProfileKey(tx, platform.vault, who, mac)
      return issued.ok ? ok(undefined) : issued
    },
  },
}

export function deviceStateRoutes(api: Api, ready: ReadyPlatform): void {
  for (const [name, { summary, change }] of Object.entries(STATE_CHANGES)) {
    api.post(
      `/api/v1/devices/:mac/${name}`,
      { config: { scope: 'write' }, schema: { summary, params: DeviceParams, response: { 200: Device } } },
      async (request) => {
        const platform = ready()
        const { mac } = request.params
        await reachableDevice(request, platform, mac)
        const done = await platform.change((tx) => change(tx, platform, actor(request), mac))
        if (!done.ok) throw deviceProblem(mac, name, done.error)
        return deviceJson(platform, mac)
      },
    )
  }
}
