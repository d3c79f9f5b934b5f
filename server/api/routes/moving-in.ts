/** Moving in: profiles and device lists of other systems, proposed first and written on request. */
import { parse } from 'csv-parse/sync'
import type { z } from 'zod'
import { parseMacAddress } from '../../../protocol/identity.ts'
import { catalogue } from '../../../protocol/profile/mod.ts'
import type { LayerParameter } from '../../profiles/mod.ts'
import {
  type LineProposal,
  LIST_ROWS_MAX,
  type ListRecord,
  type MoveInProposal,
  proposeMoveIn,
  readDeviceList,
} from '../../profiles/moving-in/mod.ts'
import { applyMoveIn, moveInConflicts, type MoveInPlan, type MovedIn, spellsOutSecret } from '../../store/mod.ts'
import { actor } from '../auth.ts'
import type { Api, ApiPlatform, ReadyPlatform } from '../context.ts'
import {
  DevicesInput,
  DevicesProposal,
  MOVING_IN_BYTES_MAX,
  ProfilesInput,
  ProfilesProposal,
} from '../contract/moving-in.ts'
import { existingAccount } from '../existing-account.ts'
import { ApiProblem } from '../problem.ts'
import { mustReachAll, reachOf } from '../reach.ts'

export function movingInRoutes(api: Api, ready: ReadyPlatform): void {
  profiles(api, ready)
  devices(api, ready)
}

function profiles(api: Api, ready: ReadyPlatform): void {
  api.post(
    '/api/v1/moving-in/profiles',
    {
      config: { scope: 'write' },
      bodyLimit: MOVING_IN_BYTES_MAX,
      schema: {
        summary: 'Propose layers, lines and devices from profiles of phones, and write them on request',
        body: ProfilesInput,
        response: { 200: ProfilesProposal },
      },
    },
    async (request) => {
      const platform = ready()
      const { body } = request
      await existingAccount(request, platform, body.accountId)
      if (body.modelLayers === true) await mustReachAll(request, platform)
      const modelLayers = body.modelLayers ?? (await reachOf(request, platform)) === null
      const proposal = proposeMoveIn(body.files, { dropDefaults: body.dropDefaults, modelLayers })
      const plan = planOf(body, proposal)
      const conflicts = await moveInConflicts(platform.db, platform.vault, plan.layers)
      const applied = body.apply ? await write(platform, actor(request), plan) : null
      return { ...proposalJson(proposal, body.accountId), conflicts: [...conflicts], applied }
    },
  )
}

function devices(api: Api, ready: ReadyPlatform): void {
  api.post(
    '/api/v1/moving-in/devices',
    {
      config: { scope: 'write' },
      bodyLimit: MOVING_IN_BYTES_MAX,
      schema: {
        summary: 'Read the device list of FusionPBX or wazo, and register its phones on request',
        body: DevicesInput,
        response: { 200: DevicesProposal },
      },
    },
    async (request) => {
      const platform = ready()
      const { accountId, list, serials, apply } = request.body
      await existingAccount(request, platform, accountId)
      const byMac = new Map(Object.entries(serials).map(([mac, serial]) => [parseMacAddress(mac) ?? mac, serial]))
      const read = readDeviceList(recordsOf(list), byMac)
      if (read === undefined) throw unknownList()
      const planned = read.devices.map((device) => ({
        ...device,
        label: device.mac,
        parameters: new Map<string, LayerParameter>(),
      }))
      const plan = { accountId, layers: [], devices: planned, overwrite: false, why: `moved in from ${read.format}` }
      const applied = apply ? await write(platform, actor(request), plan) : null
      const shown = read.devices.map(({ lines, serial, ...device }) => ({
        ...device,
        serial: serial ?? null,
        lines: lines.map(lineJson),
      }))
      return { format: read.format, devices: shown, problems: [...read.problems], applied }
    },
  )
}

async function write(
  platform: ApiPlatform,
  who: string,
  plan: MoveInPlan,
): Promise<{ layers: number; devices: number; lines: number; notApplied: { device: string; message: string }[] }> {
  const done = await platform.change((tx) => applyMoveIn(tx, platform.vault, who, plan))
  if (done.ok) return movedJson(done.value)
  const places = done.error.map(({ scope, id, element }) => ({
    code: 'has-other-value',
    place: `${scope}/${id}/${element}`,
    message: `The layer ${scope}/${id} has another value for ${element}`,
    advice: 'Change the layer, or send "overwrite": true to replace it for all phones of the layer.',
  }))
  throw new ApiProblem(
    409,
    'has-other-value',
    `Nothing was written: ${places[0]?.message ?? 'a layer has other values'}. Send "overwrite": true to replace it`,
    places,
  )
}

function movedJson({ layers, devices: count, lines, notApplied }: MovedIn) {
  return { layers, devices: count, lines, notApplied: [...notApplied] }
}

function planOf(body: z.infer<typeof ProfilesInput>, proposal: MoveInProposal): MoveInPlan {
  const serials = new Map(body.files.map(({ name, serial }) => [name, serial]))
  return {
    accountId: body.accountId,
    layers: proposal.layers.map(({ scope, id, parameters }) => ({
      scope,
      id: scope === 'account' ? body.accountId : id,
      parameters,
    })),
    devices: proposal.devices.map((device) => ({ ...device, label: device.file, serial: serials.get(device.file) })),
    overwrite: body.overwrite,
    why: 'moved in from profiles',
  }
}

function proposalJson({ layers, devices: found, leftOut, counts }: MoveInProposal, accountId: string) {
  return {
    layers: layers.map(({ scope, id, fileCount, parameters }) => ({
      scope,
      id: scope === 'account' ? accountId : id,
      fileCount,
      parameters: parametersJson(parameters),
    })),
    devices: found.map(({ parameters, lines, mac, model, file }) => ({
      file,
      mac: mac ?? null,
      model: model ?? null,
      lines: lines.map(lineJson),
      parameters: parametersJson(parameters),
    })),
    leftOut: [...leftOut],
    counts,
  }
}

/** Secrets were sent by who asks, but answers are logged and shown by more than one program. */
function parametersJson(parameters: ReadonlyMap<string, LayerParameter>) {
  const entries = [...parameters].map(([element, { value, ua, userPref }]) => {
    const secret = catalogue.find(element)?.secret === true || spellsOutSecret(value)
    const attributes = { ...(ua === undefined ? {} : { ua }), ...(userPref === undefined ? {} : { userPref }) }
    return [
      element,
      { value: secret ? null : value, ...(secret ? { secret: true as const } : {}), ...attributes },
    ] as const
  })
  return Object.fromEntries(entries)
}

function lineJson({ index, userId, displayName, domain, authId, outboundProxy, transport, password }: LineProposal) {
  return {
    index,
    userId,
    displayName,
    domain,
    authId: authId ?? null,
    outboundProxy: outboundProxy ?? null,
    transport: transport ?? null,
    passwordKnown: password !== undefined,
  }
}

/** Rows of a CSV, or objects of a JSON list, with texts for values. */
function recordsOf(list: string): readonly ListRecord[] {
  return /^\s*[[{]/.test(list) ? jsonRecords(list) : csvRecords(list)
}

function csvRecords(list: string): readonly ListRecord[] {
  try {
    const rows: ListRecord[] = parse(list, {
      columns: trimmed,
      bom: true,
      skip_empty_lines: true,
      relax_column_count: true,
      to: LIST_ROWS_MAX + 1,
    })
    return rows
  } catch (error) {
    const reason = error instanceof Error ? error.message.slice(0, 200) : 'it cannot be read'
    throw new ApiProblem(422, 'bad-csv', `The list is no CSV: ${reason}. Send it as it was exported, with its header`)
  }
}

function trimmed(header: readonly string[]): string[] {
  return header.map((name) => name.trim())
}

function jsonRecords(list: string): readonly ListRecord[] {
  let json: unknown
  try {
    json = JSON.parse(list)
  } catch {
    throw new ApiProblem(
      422,
      'bad-json',
      'The list begins like JSON but cannot be read as such; send it as it was exported',
    )
  }
  const items = Array.isArray(json)
    ? json
    : json !== null && typeof json === 'object' && 'items' in json
      ? json.items
      : []
  const rows: readonly unknown[] = Array.isArray(items) ? items.slice(0, LIST_ROWS_MAX + 1) : []
  return rows.map((row) => {
    const entries = row !== null && typeof row === 'object' ? Object.entries(row) : []
    return Object.fromEntries(
      entries.map(([name, value]) => [
        name,
        typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '',
      ]),
    )
  })
}

function unknownList(): ApiProblem {
  return new ApiProblem(
    422,
    'unknown-list',
    'The columns are neither those of FusionPBX (device_mac_address, device_vendor, device_template …) nor those of wazo (mac, model, vendor, sn …). Export the list again, with its header',
  )
}
