import type { ValueType } from '../cwmp/mod.ts'

/** How a value of the tree and the value of its element turn into each other; `rules.ts` has the two functions of each. */
export type Conversion =
  | 'text'
  | 'number'
  | 'yes-no'
  | 'no-yes'
  | 'enabled'
  | 'dtmf'
  | 'codec'
  | 'addressing'
  | 'time-zone'
  | 'host'
  | 'port'
  | 'milliseconds'
  | 'dscp'
  | 'rtcp-on'
  | 'name-servers'
  | 'dhcp-tag'
  | 'dhcp-asked'

/**
 * One parameter of an object. `element` is the name in the profile's catalogue, with `_n_` for the line or line key, and
 * `Unit_u_Key_k_` for a key of a console; two elements have a blank between them; empty or absent: the profile has none.
 * An empty or absent conversion follows from the type. The default stands where no element has one.
 */
export type ModelRow = readonly [
  name: string,
  type: ValueType,
  access: 'rw' | 'ro',
  element?: string,
  conversion?: Conversion | '',
  defaultValue?: string,
]

/** An object with its parameters; `{i}` stands for an instance number. `rw` is an instance that can come and go. */
export interface ModelSection {
  readonly path: string
  readonly access: 'rw' | 'ro'
  readonly rows: readonly ModelRow[]
}
