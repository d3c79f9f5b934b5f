/**
 * The tree of a rule, MPP §4.1. What cannot be read is kept as `unread` text in its place, so that a tree always prints
 * back to a rule of the same meaning. A tree may be built by hand: places are for trees that come from text.
 */

import type { Place } from './problems.ts'

export type RuleKind = 'profile' | 'upgrade' | 'report' | 'trigger'

/** A parameter value longer than this is refused unread; the longest rules seen are a few hundred characters. */
export const RULE_CHARS_MAX = 4096
/** The same after its macros are put in: 16 general purpose parameters may each be long. */
export const EXPANDED_RULE_CHARS_MAX = 16_384
/** A multi-stage upgrade over every release there ever was needs fewer. */
export const ALTERNATIVES_MAX = 64
export const COMPARISONS_MAX = 32
export const ASSIGNMENTS_MAX = 64
/** There are eight options. */
export const OPTIONS_MAX = 16
/** MPP §4.1: at most two reports. */
export const REPORT_ITEMS_MAX = 2

export interface Unread {
  readonly kind: 'unread'
  readonly text: string
  readonly place?: Place
}

/** `firmware` is the left side that a legacy comparison leaves out: `$SWVER`. */
export type Operand =
  | { readonly kind: 'bare'; readonly text: string; readonly place?: Place }
  | { readonly kind: 'quoted'; readonly text: string; readonly place?: Place }
  | { readonly kind: 'firmware'; readonly place?: Place }

export type Operator = 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge'

export type Comparison =
  | {
      readonly kind: 'comparison'
      readonly left: Operand
      readonly operator: Operator
      readonly right: Operand
      readonly place?: Place
    }
  | Unread

/** All comparisons must hold. None at all is a condition that cannot be read. */
export interface Condition {
  readonly comparisons: readonly Comparison[]
  readonly place?: Place
}

/** The name as written: an element name, or one letter a to p for GPP_A to GPP_P. */
export type AssignmentPart =
  | { readonly kind: 'assignment'; readonly name: string; readonly value: string; readonly place?: Place }
  | Unread

export type OptionPart =
  | {
      readonly kind: 'argument'
      readonly name: 'key' | 'uid' | 'pwd'
      readonly value: string
      readonly quoted: boolean
      /** Of the argument without its quotes. */
      readonly valuePlace?: Place
      readonly place?: Place
    }
  | { readonly kind: 'letter'; readonly name: 'post' | 'alias'; readonly letter: string; readonly place?: Place }
  | { readonly kind: 'flag'; readonly name: 'srv' | 'delta' | 'status'; readonly place?: Place }
  | Unread

export interface UrlText {
  readonly text: string
  readonly place?: Place
}

export interface Alternative {
  readonly condition?: Condition
  readonly assignments?: readonly AssignmentPart[]
  readonly options?: readonly OptionPart[]
  readonly url?: UrlText
  /** The rest of the alternative, when its shape is not one of MPP §4.1. `condition`: it stands where a condition would. */
  readonly rest?: Unread & { readonly standsFor: 'condition' | 'alternative' }
  readonly place?: Place
}

export interface ReportItem {
  readonly kind: 'report'
  readonly options?: readonly OptionPart[]
  readonly url?: UrlText
  readonly place?: Place
}

export type Rule =
  | { readonly kind: 'profile' | 'upgrade'; readonly alternatives: readonly Alternative[] }
  | { readonly kind: 'report'; readonly items: readonly (ReportItem | Unread)[] }
  | { readonly kind: 'trigger'; readonly condition: Condition }
  /** The text with its `#`, or one that is too long to be read. */
  | { readonly kind: 'comment' | 'unreadable'; readonly text: string }
