/**
 * Defaults that differ from the catalogue's on some models or releases, as data. They are what a factory reset gives; a
 * profile overrides them like any other value.
 * Source: MPP §5.1, §7.2, §10.1, §16 rows 3 and 14.
 */
import type { ProductName } from '../../protocol/identity.ts'
import { modelInfo, type ParameterStore, storedParameter } from '../../protocol/profile/mod.ts'
import { compareVersions, parseVersion } from '../../protocol/rule/mod.ts'
import type { PhonePolicies } from './types.ts'

/** What a default may depend on. */
interface Making {
  /** Of the catalogue, e.g. `98xx`; undefined for a model that it does not know. */
  readonly family: string | undefined
  readonly load: string
  readonly policies: Pick<PhonePolicies, 'httpsByDefault'>
}

interface FactoryDefault {
  readonly element: string
  readonly value: string
  readonly applies: (making: Making) => boolean
  readonly source: string
}

const is9800 = ({ family }: Making): boolean => family === '98xx'

/** Each element appears with at most one row that applies to a phone; the first one counts. */
export const FACTORY_DEFAULTS: readonly FactoryDefault[] = [
  {
    element: 'Enable_Protocol',
    value: 'Https',
    applies: (making) =>
      is9800(making) || (making.policies.httpsByDefault === 'also-from-12.0.3' && !isBefore(making.load, '12-0-3')),
    source: 'MPP §7.2',
  },
  {
    element: 'DHCP_Option_To_Use',
    value: '66,160,159,150',
    applies: is9800,
    source: 'MPP §16 row 14',
  },
  {
    element: 'Resync_Error_Retry_Delay',
    value: '3600',
    applies: (making) => is9800(making) || isBefore(making.load, '12-0-0'),
    source: 'MPP §16 row 3',
  },
  {
    element: 'Profile_Rule',
    value: '/device.cfg',
    applies: ({ family }) => family === '8831',
    source: 'MPP §5.1',
  },
]

/** @returns the parameters of a phone of this model that was reset under this load; sparse, like every store. */
export function factoryParameters(
  productName: ProductName,
  load: string,
  policies: Pick<PhonePolicies, 'httpsByDefault'>,
): ParameterStore {
  const making: Making = { family: modelInfo(productName)?.family, load, policies }
  const store: ParameterStore = new Map()
  return new Map(
    FACTORY_DEFAULTS.filter(({ applies }) => applies(making)).map(({ element, value }) => [
      element,
      { ...storedParameter(store, element), value },
    ]),
  )
}

/** A load whose name gives no version is taken as a new one. */
function isBefore(load: string, release: string): boolean {
  const version = parseVersion(load)
  const limit = parseVersion(`${release}MPP-0`)
  return version !== undefined && limit !== undefined && compareVersions(version, limit) < 0
}
