/**
 * Places and what their clocks do, in the words of the phone: offset (`Time_Zone`) and daylight saving rule. Rules give
 * the local time at which the clock changes. Source: IANA time zone database, as of 2025; MPP §14 (DSTRule).
 */

export interface TimeZoneOfPlace {
  /** A choice of `Time_Zone`. */
  readonly offset: string
  /** A name in `DAYLIGHT_RULES`; undefined: the clock does not change. */
  readonly rule: string | undefined
}

/** Month/day/weekday/time; day -1 is the last of the month, 8 the first such weekday from the 8th on. */
export const DAYLIGHT_RULES: Readonly<Record<string, string>> = {
  'europe-west': 'start=3/-1/7/1;end=10/-1/7/2;save=1',
  'europe-central': 'start=3/-1/7/2;end=10/-1/7/3;save=1',
  'europe-east': 'start=3/-1/7/3;end=10/-1/7/4;save=1',
  'north-america': 'start=3/8/7/2;end=11/1/7/2;save=1',
  'australia-south': 'start=10/1/7/2;end=4/1/7/3;save=1',
  'new-zealand': 'start=9/-1/7/2;end=4/1/7/3;save=1',
}

type PlaceRow = readonly [offset: string, rule: string | undefined, places: string]

const ROWS: readonly PlaceRow[] = [
  ['GMT-10:00', undefined, 'Pacific/Honolulu'],
  ['GMT-09:00', 'north-america', 'America/Anchorage'],
  ['GMT-08:00', 'north-america', 'America/Los_Angeles America/Vancouver America/Tijuana'],
  ['GMT-07:00', 'north-america', 'America/Denver America/Edmonton America/Boise'],
  ['GMT-07:00', undefined, 'America/Phoenix America/Hermosillo'],
  ['GMT-06:00', 'north-america', 'America/Chicago America/Winnipeg'],
  ['GMT-06:00', undefined, 'America/Mexico_City America/Regina America/Costa_Rica America/Guatemala'],
  ['GMT-05:00', 'north-america', 'America/New_York America/Toronto America/Detroit'],
  ['GMT-05:00', undefined, 'America/Bogota America/Lima America/Panama America/Jamaica'],
  ['GMT-04:00', 'north-america', 'America/Halifax Atlantic/Bermuda'],
  ['GMT-04:00', undefined, 'America/Puerto_Rico America/Caracas America/La_Paz'],
  ['GMT-03:30', 'north-america', 'America/St_Johns'],
  ['GMT-03:00', undefined, 'America/Sao_Paulo America/Argentina/Buenos_Aires America/Montevideo'],
  ['GMT', undefined, 'UTC Etc/UTC Atlantic/Reykjavik Africa/Accra Africa/Abidjan'],
  ['GMT', 'europe-west', 'Europe/London Europe/Dublin Europe/Lisbon'],
  [
    'GMT+01:00',
    'europe-central',
    'Europe/Berlin Europe/Paris Europe/Madrid Europe/Rome Europe/Vienna Europe/Zurich Europe/Amsterdam Europe/Brussels Europe/Luxembourg Europe/Copenhagen Europe/Oslo Europe/Stockholm Europe/Prague Europe/Bratislava Europe/Budapest Europe/Warsaw Europe/Ljubljana Europe/Zagreb Europe/Belgrade Europe/Malta',
  ],
  ['GMT+01:00', undefined, 'Africa/Lagos Africa/Algiers Africa/Tunis'],
  [
    'GMT+02:00',
    'europe-east',
    'Europe/Helsinki Europe/Tallinn Europe/Riga Europe/Vilnius Europe/Sofia Europe/Bucharest Europe/Athens Europe/Kyiv Asia/Nicosia',
  ],
  ['GMT+02:00', undefined, 'Africa/Johannesburg Africa/Tripoli Europe/Kaliningrad'],
  [
    'GMT+03:00',
    undefined,
    'Europe/Istanbul Europe/Moscow Europe/Minsk Asia/Riyadh Asia/Kuwait Asia/Baghdad Africa/Nairobi',
  ],
  ['GMT+03:30', undefined, 'Asia/Tehran'],
  ['GMT+04:00', undefined, 'Asia/Dubai Asia/Baku Asia/Tbilisi'],
  ['GMT+04:30', undefined, 'Asia/Kabul'],
  ['GMT+05:00', undefined, 'Asia/Karachi Asia/Tashkent'],
  ['GMT+05:30', undefined, 'Asia/Kolkata Asia/Colombo'],
  ['GMT+05:45', undefined, 'Asia/Kathmandu'],
  ['GMT+06:00', undefined, 'Asia/Dhaka'],
  ['GMT+06:30', undefined, 'Asia/Yangon'],
  ['GMT+07:00', undefined, 'Asia/Bangkok Asia/Jakarta Asia/Ho_Chi_Minh'],
  [
    'GMT+08:00',
    undefined,
    'Asia/Shanghai Asia/Hong_Kong Asia/Singapore Asia/Taipei Asia/Manila Asia/Kuala_Lumpur Australia/Perth',
  ],
  ['GMT+09:00', undefined, 'Asia/Tokyo Asia/Seoul'],
  ['GMT+09:30', 'australia-south', 'Australia/Adelaide'],
  ['GMT+09:30', undefined, 'Australia/Darwin'],
  ['GMT+10:00', 'australia-south', 'Australia/Sydney Australia/Melbourne Australia/Hobart'],
  ['GMT+10:00', undefined, 'Australia/Brisbane'],
  ['GMT+12:00', 'new-zealand', 'Pacific/Auckland'],
]

const PLACES: ReadonlyMap<string, TimeZoneOfPlace> = new Map(
  ROWS.flatMap(([offset, rule, places]) => places.split(' ').map((place) => [place, { offset, rule }] as const)),
)

/** @returns what the clocks of a place do; undefined for one that we do not know */
export function timeZoneOf(place: string): TimeZoneOfPlace | undefined {
  return PLACES.get(place)
}

export const KNOWN_PLACES: readonly string[] = [...PLACES.keys()]
