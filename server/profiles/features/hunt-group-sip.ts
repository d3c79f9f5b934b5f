/** The SIP side of hunt groups: what the provider's PBX must be told. The phones alone cannot hunt (MPP §13.9). */
import type { Feature, HuntGroup, HuntStrategy } from './types.ts'

export interface SipHuntGroup {
  readonly featureId: string
  readonly accountId: string
  readonly name: string
  readonly number: string
  readonly strategy: HuntStrategy
  readonly ringSeconds: number
  readonly members: readonly {
    readonly order: number
    readonly userId: string
    /** Where the member's line is registered; null when no line of the account has that user id. */
    readonly domain: string | null
    readonly lineId: string | null
    readonly mac: string | null
  }[]
}

/** @param lines of the account; a user id with lines at several domains names the first */
export function sipHuntGroup(
  feature: Feature & { readonly body: HuntGroup },
  accountId: string,
  lines: readonly {
    readonly id: string
    readonly userId: string
    readonly domain: string
    readonly mac: string | null
  }[],
): SipHuntGroup {
  const { name, number, strategy, ringSeconds, members } = feature.body
  const byUser = new Map(lines.toReversed().map((line) => [line.userId, line]))
  return {
    featureId: feature.id,
    accountId,
    name,
    number,
    strategy,
    ringSeconds,
    members: members.map((userId, index) => {
      const line = byUser.get(userId)
      return {
        order: index + 1,
        userId,
        domain: line?.domain ?? null,
        lineId: line?.id ?? null,
        mac: line?.mac ?? null,
      }
    }),
  }
}

export function isHuntGroup<T extends Feature>(feature: T): feature is T & { readonly body: HuntGroup } {
  return feature.body.kind === 'hunt-group'
}
