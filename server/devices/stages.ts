/** How far a phone of a batch has come. In the order of progress; the last two are problems. */
export const STAGES = [
  'missing',
  'seen',
  'first-profile',
  'bound',
  'applied',
  'registered',
  'wrong-serial',
  'refused',
] as const
export type Stage = (typeof STAGES)[number]
